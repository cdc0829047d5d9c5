// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: any bytes are a recipe or are refused with a sentence; what is accepted is written and read again
// as the same tree. With a line beginning "--set ", the rest of that line is applied to what comes before it.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/yaml.h"

static void require(int truth, const char *what) {
    if (!truth) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

static void round_trip(const fv__value *value) {
    fv_error error = {0};
    fv__text first = {0}, second = {0};
    fv__document *again = NULL;
    require(!fv__value_emit(value, &first, &error), error.message);
    if (first.length <= FV__YAML_SIZE) {
        require(!fv__document_parse(first.bytes, first.length, "written", &again, &error), error.message);
        require(fv__value_equal(value, fv__document_root(again)), "the tree changed");
        require(!fv__value_emit(fv__document_root(again), &second, &error), error.message);
        require(!strcmp(first.bytes, second.bytes), "the text changed");
    }
    fv__document_free(again);
    fv__text_free(&first);
    fv__text_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fv_error error = {0};
    fv__document *document = NULL;
    char *text = fv__strndup((const char *)bytes, size);
    require(text != NULL, "memory");
    const char *set = strstr(text, "\n--set ");
    size_t length = set ? (size_t)(set + 1 - text) : size;
    if (fv__document_parse(text, length, "fuzz.yaml", &document, &error)) {
        require(error.status != FV_OK && error.message[0], "a refusal without a sentence");
    } else {
        round_trip(fv__document_root(document));
        if (set && fv__document_assign(document, set + strlen("\n--set "), &error)) {
            require(error.status != FV_OK && error.message[0], "a refusal without a sentence");
        }
        round_trip(fv__document_root(document));
    }
    fv__document_free(document);
    fv__free(text);
    return 0;
}
