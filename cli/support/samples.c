#include "support/samples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { MOST = 1 << 20 };

bool cli_samples_split(const char *text, char split[16]) {
    const char *colon = strchr(text, ':');
    snprintf(split, 16, "%.*s", colon ? (int)(colon - text < 15 ? colon - text : 15) : 4, colon ? text : "test");
    return strcmp(split, "test") == 0 || strcmp(split, "train") == 0;
}

// A number at *text, which moves behind it.
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

static bool add_range(cli_samples *samples, size_t first, size_t last) {
    size_t more = last - first + 1;
    size_t *grown = fv__realloc(samples->index, (samples->count + more) * sizeof *grown);
    if (!grown) {
        return false;
    }
    samples->index = grown;
    for (size_t i = first; i <= last; i++) {
        samples->index[samples->count++] = i;
    }
    return true;
}

const char *cli_samples_read(const char *text, size_t total, cli_samples *samples, char *problem, size_t room) {
    const char *at = strchr(text, ':') ? strchr(text, ':') + 1 : text;
    for (bool more = true; more;) {
        size_t first = 0, last;
        bool good = read_number(&at, &first);
        last = first;
        if (good && *at == '-') {
            at++;
            last = total ? total - 1 : 0; // "9990-": to the end
            good = *at == 0 || *at == ',' || read_number(&at, &last);
        }
        more = *at == ',';
        if (!good || (*at && !more)) {
            snprintf(problem, room, "'%s' does not name samples; examples: 7, 0-9, 3,5,7-9, test:0-9, train:100-",
                     text);
            return problem;
        }
        if (first >= total || last >= total) {
            snprintf(problem, room, "'%s': the %s set has samples 0 to %zu", text, samples->split, total - 1);
            return problem;
        }
        if (last < first || last - first >= MOST || samples->count + (last - first) >= MOST) {
            snprintf(problem, room,
                     last < first ? "'%s': a range goes from the smaller to the larger number"
                                  : "'%s': too many samples at a time",
                     text);
            return problem;
        }
        if (!add_range(samples, first, last)) {
            snprintf(problem, room, "out of memory");
            return problem;
        }
        at += more;
    }
    return NULL;
}
