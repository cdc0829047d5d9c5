// SPDX-License-Identifier: Apache-2.0
#include "support/progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "support/numbers.h"
#include "support/text.h"

static struct {
    bool live, drawn;
    double when; // it was last drawn
} line;

void cli_progress_begin(bool quiet) {
    const char *terminal = getenv("TERM");
    line.live = !quiet && isatty(STDERR_FILENO) && !(terminal && strcmp(terminal, "dumb") == 0);
}

bool cli_progress_is_live(void) {
    return line.live;
}

bool cli_progress_is_due(void) {
    return line.live && cli_seconds() - line.when > 0.1;
}

static int width_of_terminal(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void draw_bar(double part, int width) {
    const bool utf8 = cli_utf8();
    const char *full = utf8 ? "━" : "=", *half = utf8 ? "╸" : ">";
    const int halves = (int)(2 * width * fmin(fmax(part, 0), 1));
    for (int column = 0; column < width; column++) {
        fputs(2 * column + 1 < halves ? full : 2 * column < halves ? half : " ", stderr);
    }
}

void cli_progress_draw(const char *head, double part, const char *format, ...) {
    enum { LEAST = 8, MOST = 24 }; // columns of the bar
    char *tail;
    va_list arguments;
    va_start(arguments, format);
    const bool made = line.live && vasprintf(&tail, format, arguments) >= 0;
    va_end(arguments);
    if (!made) {
        return;
    }
    char *start = cli_escape(head), *end = cli_escape(tail);
    int left = width_of_terminal() - 1;
    const int shown = cli_fitting(start, left);
    fprintf(stderr, "\r\033[K%.*s", shown, start);
    left -= cli_columns(start);
    const int room = left - cli_columns(end);
    if (room >= LEAST) { // else the numbers say enough
        draw_bar(part, room < MOST ? room : MOST);
    }
    if (left > 0) {
        fprintf(stderr, "%.*s", cli_fitting(end, left), end);
    }
    line.drawn = true;
    line.when = cli_seconds();
    free(start);
    free(end);
    free(tail);
}

void cli_progress_wipe(void) {
    if (line.drawn) {
        fputs("\r\033[K", stderr);
        line.drawn = false;
    }
}

void cli_progress_keep(void) {
    if (line.drawn) {
        fputc('\n', stderr);
        line.drawn = false;
    }
}
