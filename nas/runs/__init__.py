"""What a run leaves on disk: its folder, its records, the files made of them."""
