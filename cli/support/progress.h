// SPDX-License-Identifier: Apache-2.0
// The line of a progress, drawn over and over on the terminal:
//     Pictures  ━━━━━━━━━━━━━╸      640/938  210 img/s  2 s left
// It is never wider than the terminal, and nothing is drawn where standard error is not one (or a dumb one). There is
// one such line at a time; messages (support/say.h) take its place.
#ifndef FOVEA_CLI_SUPPORT_PROGRESS_H
#define FOVEA_CLI_SUPPORT_PROGRESS_H

#include <stdbool.h>

void cli_progress_begin(bool quiet);
bool cli_progress_is_live(void);

// Whether it is time to draw again: ten times a second.
bool cli_progress_is_due(void);

// HEAD, a bar of which `part` (0 … 1) is filled, as long as there is room for one, and what the format says.
void cli_progress_draw(const char *head, double part, const char *format, ...) __attribute__((format(printf, 3, 4)));

void cli_progress_wipe(void); // removes the line
void cli_progress_keep(void); // ends the line, so that it stays

#endif
