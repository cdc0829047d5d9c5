// SPDX-License-Identifier: Apache-2.0
// Names of classes from a text file.
#include <string.h>

#include "base/memory.h"
#include "formats/file.h"
#include "model/model.h"

// Cuts the text into lines; the last may end without a line end. The number of them, or FV__MAX_CLASSES + 1 for more.
static int cut_lines(char *text, const char *names[FV__MAX_CLASSES]) {
    int count = 0;
    while (*text) {
        if (count == FV__MAX_CLASSES) {
            return count + 1;
        }
        char *end = text + strcspn(text, "\n");
        bool last = !*end;
        *end = 0;
        text[strcspn(text, "\r")] = 0;
        names[count++] = text;
        text = last ? end : end + 1;
    }
    return count;
}

fv_status fv__model_read_classes(fv_model *model, const char *path, fv_error *error) {
    enum { LIMIT = 1 << 24 };
    uint8_t *bytes;
    size_t size;
    fv_status status = fv__file_read(path, LIMIT, &bytes, &size, error);
    if (status) {
        return status;
    }
    const char **names = fv__alloc_array(FV__MAX_CLASSES, sizeof *names);
    int count = names ? cut_lines((char *)bytes, names) : 0;
    if (!names) {
        status = fv__fail_memory(error, path);
    } else if (count != model->classes) {
        status = fv__fail(error, FV_FORMAT, "%s: %d names, one a line, but the model has %d classes", path, count,
                          model->classes);
    } else {
        status = fv__model_name_classes(model, count, names, error);
    }
    fv__free(names);
    fv__free(bytes);
    return status;
}
