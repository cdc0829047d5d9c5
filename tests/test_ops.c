// SPDX-License-Identifier: Apache-2.0
// Every case of every op at every instruction-set level of this machine, and every op's table, which must be as op.h
// says. An argument chooses tests by pattern: test_ops 'dense*'.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ops/harness.h"

typedef struct subject {
    const fv__op *op;
    const op_cases *cases;
    const op_case *test;
    char name[160];
} subject;

static const struct {
    const fv__op *op;
    const op_cases *cases;
} ops[] = {
#define X(name) {&fv__op_##name, &cases_##name},
    OP_CASE_LIST(X)
#undef X
};
enum { OPS = sizeof ops / sizeof *ops };

static void run_subject(void **state) {
    const subject *s = *state;
    const char *wrong = fv__op_check(s->op);
    if (wrong) {
        fail_msg("fv__op_%s: %s (see src/ops/op.h)", s->op->name, wrong);
    }
    const fv__kernels *kernels;
    for (int level = 0; (kernels = fv__kernels_available(level)); level++) {
        op_case_run(s->cases, s->test, s->op, kernels);
    }
}

// Tables with a member missing are refused.
static void test_check(void **state) {
    (void)state;
    fv__op op = fv__op_dense;
    op.forward = NULL;
    assert_string_equal(fv__op_check(&op), "forward is required; views, inputs and weights have none");
    op = fv__op_dense;
    op.backward_tile = NULL;
    assert_string_equal(fv__op_check(&op), "tiles and backward_tile are a pair");
    op = fv__op_dense;
    op.backward = NULL;
    assert_string_equal(fv__op_check(&op), "backward_reads without a backward");
}

int main(int argc, char **argv) {
    size_t count = 1;
    for (int i = 0; i < OPS; i++) {
        count += (size_t)ops[i].cases->count;
    }
    subject *subjects = calloc(count, sizeof *subjects);
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    int failed = 1;
    if (subjects && tests) {
        subject *s = subjects;
        for (int i = 0; i < OPS; i++) {
            for (int j = 0; j < ops[i].cases->count; j++, s++) {
                s->op = ops[i].op;
                s->cases = ops[i].cases;
                s->test = &ops[i].cases->cases[j];
                snprintf(s->name, sizeof s->name, "%s: %s", s->op->name, s->test->name);
                tests[s - subjects] =
                    (struct CMUnitTest){.name = s->name, .test_func = run_subject, .initial_state = s};
            }
        }
        tests[count - 1] = (struct CMUnitTest)cmocka_unit_test(test_check);
        if (argc > 1) {
            cmocka_set_test_filter(argv[1]);
        }
        failed = _cmocka_run_group_tests("ops", tests, count, NULL, NULL);
    }
    free(subjects);
    free(tests);
    return failed;
}
