// What `fovea eval` can tell beside loss and accuracy.
#ifndef FOVEA_CLI_EVAL_H
#define FOVEA_CLI_EVAL_H

#include "support/json.h"

typedef struct cli_evaluation {
    const char *split;
    const fv_dataset *data;
    fv_dataset_info info; // of `data`
    double seconds, label_smoothing;
    fv_evaluate_options options;
    fv_evaluation *details;
} cli_evaluation;

// eval_report.c: tables for people, and all numbers for programs. Return the exit code.
int cli_eval_print_classes(const cli_evaluation *now);
int cli_eval_print_confusion(const cli_evaluation *now);
json_t *cli_eval_json(const cli_evaluation *now); // NULL: out of memory
fv_status cli_eval_write_csv(const cli_evaluation *now, const char *folder, fv_error *error);

// eval_pictures.c
fv_status cli_eval_draw(const cli_evaluation *now, const char *folder, fv_error *error);

#endif
