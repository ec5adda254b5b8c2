"""The zoo: for each subsystem, small mistakes that the checkers must find."""
