"""What may be concluded from noisy measurements: each kind of statistic once.

- `intervals`: a value with its 95 % interval, of means and of shares, and standard errors.
- `metrics`: what trained networks are judged by.
- `bootstrap`: how observations are resampled.
- `rank_correlation`: how alike two rankings are.
- `design`: repeated measurements as matrices.
- `comparison`: which candidate is best, and which cannot be told from it.

Quantiles of draws from a posterior, such as those of a direction to grow, are no bootstrap: they
stand beside the model that they are drawn from.
"""
