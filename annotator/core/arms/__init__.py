"""What pre-filling does to readers: how often they call findings, how right they are, how long they take."""
