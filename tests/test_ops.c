// Every case of every op at every instruction-set level of this machine. An argument chooses tests by pattern:
// test_ops 'dense*'.
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
    const fv__kernels *kernels;
    for (int level = 0; (kernels = fv__kernels_available(level)); level++) {
        op_case_run(s->test, s->op, kernels);
    }
}

int main(int argc, char **argv) {
    size_t count = 0;
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
                s->test = &ops[i].cases->cases[j];
                snprintf(s->name, sizeof s->name, "%s: %s", s->op->name, s->test->name);
                tests[s - subjects] =
                    (struct CMUnitTest){.name = s->name, .test_func = run_subject, .initial_state = s};
            }
        }
        if (argc > 1) {
            cmocka_set_test_filter(argv[1]);
        }
        failed = _cmocka_run_group_tests("ops", tests, count, NULL, NULL);
    }
    free(subjects);
    free(tests);
    return failed;
}
