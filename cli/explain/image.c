// SPDX-License-Identifier: Apache-2.0
// What the current image is called: in paths, titles and JSON.
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "support/json.h"
#include "support/memory.h"
#include "support/paths.h"

static bool same_but_for_slashes(const char *a, const char *b) {
    while (*a && (*a == '/' ? '_' : *a) == (*b == '/' ? '_' : *b)) {
        a++;
        b++;
    }
    return *a == *b;
}

// DIR/PICTURESUFFIX, or DIR/FOLDER_PICTURESUFFIX where another picture has the same name, with the picture's number in
// front where that is another's, too.
static char *path_for_picture(const cli_explanation *now, const char *suffix) {
    const char *path = now->pictures.paths[now->index], *name = cli_last_part(path), *folder = now->options->out;
    bool shared = false, alike = false;
    for (size_t i = 0; i < (size_t)now->pictures.count; i++) {
        const char *other = now->pictures.paths[i];
        shared |= i != now->index && strcmp(cli_last_part(other), name) == 0;
        alike |= i != now->index && same_but_for_slashes(other, path);
    }
    char number[24] = "";
    if (alike) {
        snprintf(number, sizeof number, "%zu_", now->index);
    }
    char *out = cli_format("%s/%s%s%s", folder, number, shared || alike ? path : name, suffix);
    for (char *at = out + strlen(folder) + 1; *at; at++) {
        *at = *at == '/' ? '_' : *at;
    }
    return out;
}

// The true class of a sample.
static const char *label_of(const cli_explanation *now) {
    return now->model->class_names[fv_dataset_get_info(now->data)->labels[now->index]];
}

json_t *cli_explain_image_json(const cli_explanation *now) {
    return now->data ? json_pack("{s:s, s:I, s:s}", "split", now->samples.split, "index", (json_int_t)now->index,
                                 "class", label_of(now))
                     : json_pack("{s:o}", "file", cli_json_text(now->pictures.paths[now->index]));
}

char *cli_explain_path(cli_explanation *now, const char *suffix) {
    char *path = now->data ? cli_format("%s/%s-%zu%s", now->options->out, now->samples.split, now->index, suffix)
                           : path_for_picture(now, suffix);
    json_array_append_new(now->files, cli_json_text(path));
    return path;
}

char *cli_explain_title(const cli_explanation *now) {
    const fv_explained *seen = fv_explainer_get_result(now->explainer);
    char *title;
    size_t size;
    FILE *out = cli_stream(&title, &size);
    if (now->data) {
        fprintf(out, "%s %zu: true %.80s, ", now->samples.split, now->index, label_of(now));
    } else {
        fprintf(out, "%.255s: ", cli_last_part(now->pictures.paths[now->index]));
    }
    fprintf(out, "predicted %.80s %.1f %%", now->model->class_names[seen->predicted],
            100 * (double)seen->probabilities[seen->predicted]);
    if (seen->target != seen->predicted) {
        fprintf(out, "; why %.80s (%.1f %%)?", now->model->class_names[seen->target],
                100 * (double)seen->probabilities[seen->target]);
    }
    fclose(out);
    return title;
}
