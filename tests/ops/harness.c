// SPDX-License-Identifier: Apache-2.0
// Runs the cases.
#include "harness.h"

#include "harness_bench.h"

void op_case_run(const op_cases *cases, const op_case *test, const fv__op *op, const fv__kernels *kernels) {
    bench b;
    if (bench_open(&b, cases, test, op, kernels)) {
        check_forward(&b);
        check_backward(&b);
        check_batch_rate(&b);
    }
    bench_close(&b);
    if (test->check) {
        test->check(test, op, kernels);
    }
}
