"""A project whose teams pay, and which lets nobody in who is not logged in."""
