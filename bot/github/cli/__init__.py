"""What a person runs at a terminal to set the App up and to check it: register, doctor, redeliver."""
