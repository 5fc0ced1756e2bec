"""How networks grow, as data: dimensions, the rule that binds them, published coefficients."""
