// SPDX-License-Identifier: Apache-2.0
// How a camera was held: the tag "orientation" of EXIF (CIPA DC-008), 1 … 8, and the turns that undo it.
#include <string.h>

#include "base/memory.h"
#include "image/codec.h"

typedef struct reader {
    const uint8_t *bytes;
    size_t size;
    bool big; // the most significant byte comes first
} reader;

// A number of `width` bytes; 0 beyond the end.
static uint32_t number_at(const reader *from, size_t at, size_t width) {
    uint32_t number = 0;
    for (size_t i = 0; at + width <= from->size && i < width; i++) {
        number = number << 8 | from->bytes[at + (from->big ? i : width - 1 - i)];
    }
    return number;
}

int fv__exif_orientation(const uint8_t *bytes, size_t size) {
    enum { TAG = 0x0112, SHORT = 3, ENTRY = 12, LABEL = 6 };
    if (size > LABEL && memcmp(bytes, "Exif\0", LABEL) == 0) {
        bytes += LABEL;
        size -= LABEL;
    }
    reader exif = {bytes, size, size > 0 && bytes[0] == 'M'};
    if (size < 8 || (memcmp(bytes, "II*\0", 4) != 0 && memcmp(bytes, "MM\0*", 4) != 0)) {
        return 1;
    }
    size_t folder = number_at(&exif, 4, 4), entries = number_at(&exif, folder, 2);
    for (size_t at = folder + 2; entries > 0 && at + ENTRY <= size; at += ENTRY, entries--) {
        if (number_at(&exif, at, 2) == TAG && number_at(&exif, at + 2, 2) == SHORT) {
            uint32_t orientation = number_at(&exif, at + 8, 2);
            return orientation >= 1 && orientation <= 8 ? (int)orientation : 1;
        }
    }
    return 1;
}

fv_status fv__bitmap_orient(fv__bitmap *bitmap, int orientation, const char *name, fv_error *error) {
    // For each orientation: whether rows were columns, and whether they and their pixels ran backwards.
    static const struct {
        bool transposed, up, left;
    } stored[] = {{0}, {0, 0, 0}, {0, 0, 1}, {0, 1, 1}, {0, 1, 0}, {1, 0, 0}, {1, 1, 0}, {1, 1, 1}, {1, 0, 1}};
    if (orientation == 1) {
        return FV_OK;
    }
    bool transposed = stored[orientation].transposed;
    fv__bitmap upright = {0};
    FV__TRY(fv__bitmap_make(&upright, (uint64_t)(transposed ? bitmap->width : bitmap->height),
                            (uint64_t)(transposed ? bitmap->height : bitmap->width), 3, name, error));
    upright.whole[0] = bitmap->whole[transposed];
    upright.whole[1] = bitmap->whole[!transposed];
    for (int y = 0; y < upright.height; y++) {
        for (int x = 0; x < upright.width; x++) {
            int row = transposed ? x : y, column = transposed ? y : x;
            row = stored[orientation].up ? bitmap->height - 1 - row : row;
            column = stored[orientation].left ? bitmap->width - 1 - column : column;
            memcpy(upright.pixels + 3 * ((size_t)y * (size_t)upright.width + (size_t)x),
                   bitmap->pixels + 3 * ((size_t)row * (size_t)bitmap->width + (size_t)column), 3);
        }
    }
    fv__bitmap_free(bitmap);
    *bitmap = upright;
    return FV_OK;
}
