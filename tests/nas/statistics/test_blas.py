import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from nas.prediction.gaussian_process import Prior, fit
from nas.statistics.blas import one_blas_thread


def blas_threads():
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def test_inside_it_computes_with_one_thread_and_after_it_with_those_of_before():
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        with one_blas_thread():
            assert blas_threads() == {1}
        assert blas_threads() == before
        with pytest.raises(ZeroDivisionError), one_blas_thread():
            _ = 1 / 0
        assert blas_threads() == before


def test_a_model_does_not_depend_on_the_number_of_threads():
    rng = np.random.default_rng(0)
    features, covariates = rng.normal(size=(150, 20)), rng.normal(size=(150, 1))
    values = features[:, 0] + 0.3 * rng.normal(size=150)
    kernels = []
    for count in (1, 2):
        with threadpool_limits(count, user_api="blas"):
            kernels.append(fit(features, covariates, values, Prior()))
    assert (kernels[0].relevance == kernels[1].relevance).all()
    assert kernels[0].noise == kernels[1].noise
