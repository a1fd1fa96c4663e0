"""From examples to an intent model that serves, in a minute or, over the encoder that is live, in seconds."""
