"""A class that follows a teacher: rooms in the server's memory, and the routes to them."""
