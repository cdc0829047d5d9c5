// SPDX-License-Identifier: Apache-2.0
#include "support/samples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/memory.h"
#include "support/say.h"

enum { MOST = 1 << 20 };

int cli_samples_split(const cli_command *command, const char *text, cli_samples *samples) {
    const char *colon = text ? strchr(text, ':') : NULL;
    snprintf(samples->split, sizeof samples->split, "%.*s", colon ? (int)(colon - text < 15 ? colon - text : 15) : 4,
             colon ? text : "test");
    if (strcmp(samples->split, "test") != 0 && strcmp(samples->split, "train") != 0) {
        return cli_usage(command, "--samples: '%s' should begin with test: or train:", text);
    }
    return CLI_OK;
}

// A number at *text, which moves to what follows it.
static bool read_number(const char **text, size_t *number) {
    char *end;
    if (**text < '0' || **text > '9') {
        return false;
    }
    errno = 0;
    *number = strtoull(*text, &end, 10);
    *text = end;
    return errno == 0;
}

// "7", "3-9" or "9990-" at *text, which moves to what follows it.
static bool read_range(const char **text, size_t total, size_t *first, size_t *last) {
    if (!read_number(text, first)) {
        return false;
    }
    *last = *first;
    if (**text != '-') {
        return true;
    }
    (*text)++;
    *last = total ? total - 1 : 0;
    return **text == 0 || **text == ',' || read_number(text, last);
}

static void add_range(cli_samples *samples, size_t first, size_t last) {
    samples->index = cli_grow(samples->index, samples->count + (last - first + 1), sizeof *samples->index);
    for (size_t i = first; i <= last; i++) {
        samples->index[samples->count++] = i;
    }
}

int cli_samples_read(const cli_command *command, const char *text, size_t total, size_t usual, cli_samples *samples) {
    if (!text) {
        usual = total < usual ? total : usual;
        if (usual) {
            add_range(samples, 0, usual - 1);
        }
        return CLI_OK;
    }
    const char *at = strchr(text, ':') ? strchr(text, ':') + 1 : text;
    for (bool more = true; more; at += more) {
        size_t first, last;
        const bool good = read_range(&at, total, &first, &last);
        more = *at == ',';
        if (!good || (*at && !more)) {
            return cli_usage(command,
                             "--samples: '%s' does not name samples; examples: 7, 0-9, 3,5,7-9, test:0-9, "
                             "train:100-",
                             text);
        }
        if (first >= total || last >= total) {
            return cli_usage(command, "--samples: '%s': the %s set has samples 0 to %zu", text, samples->split,
                             total - 1);
        }
        if (last < first) {
            return cli_usage(command, "--samples: '%s': a range goes from the smaller to the larger number", text);
        }
        if (last - first >= MOST || samples->count + (last - first) >= MOST) {
            return cli_usage(command, "--samples: '%s': too many samples at a time", text);
        }
        add_range(samples, first, last);
    }
    return CLI_OK;
}
