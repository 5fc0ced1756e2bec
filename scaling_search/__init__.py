"""How a baseline grows: the α, β, γ search and the family it leads to."""
