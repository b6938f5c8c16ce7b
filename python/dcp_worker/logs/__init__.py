"""What is told of a worker: to whom inside the program, in which words, and where the lines go."""
