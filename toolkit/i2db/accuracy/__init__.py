"""What an accuracy is worth: intervals, areas, sampling designs, separability; arrays in, numbers out."""
