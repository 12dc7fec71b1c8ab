"""The measured steps: one file a step, written once per library, as a user of that library would write it."""
