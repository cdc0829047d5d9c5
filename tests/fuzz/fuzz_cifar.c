// SPDX-License-Identifier: Apache-2.0
// Fuzzing the readers of archives and of CIFAR's records: any bytes give records or an error.
#include "data/cifar.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const fv__cifar_layout layout = {.label_bytes = 1};
    for (int kind = FV__ARCHIVE_TAR; kind <= FV__ARCHIVE_ALONE; kind++) {
        fv_error error;
        fv__archive *archive;
        const char *name;
        if (fv__archive_parse(bytes, size, "fuzz", (fv__archive_kind)kind, &archive, &error)) {
            continue;
        }
        while (!fv__archive_next(archive, &name, &error) && name) {
            fv__cifar_records records = {0};
            fv__cifar_read(archive, &layout, 10, name, &records, &error);
            fv__cifar_free(&records);
        }
        fv__archive_close(archive);
    }
    return 0;
}
