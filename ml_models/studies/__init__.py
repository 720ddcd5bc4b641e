"""What an artifact does where a comparison does not look: smaller, blind, late, or too large."""
