// SPDX-License-Identifier: Apache-2.0
// `fovea eval` in three files: the command (eval.c), its tables, JSON and CSV (report.c), and its pictures (pictures.c).
#ifndef FOVEA_CLI_EVAL_H
#define FOVEA_CLI_EVAL_H

#include "support/json.h"

typedef struct cli_evaluation {
    const char *split;
    const fv_dataset *data;
    const fv_dataset_info *info; // of `data`
    double seconds, label_smoothing;
    const fv_evaluation *details;
} cli_evaluation;

void cli_eval_print_classes(const cli_evaluation *now);
void cli_eval_print_confusion(const cli_evaluation *now);
json_t *cli_eval_json(const cli_evaluation *now);

// Files in a folder, which is made. Return the exit code.
int cli_eval_write_csv(const cli_evaluation *now, const char *folder);
int cli_eval_draw(const cli_evaluation *now, const char *folder);

#endif
