// Fuzzing the decoders of pictures: any bytes give a picture or an error. The first byte chooses how the others begin,
// so that every decoder is reached at once.
#include <string.h>

#include "base/memory.h"
#include "image/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const char *const starts[] = {
        "", "\xff\xd8\xff\xe0", "\xff\xd8\xff\xdb", "\x89PNG\r\n\x1a\n", "GIF89a", "BM", "P6 ", "P5 "};
    if (size == 0) {
        return 0;
    }
    const char *start = starts[bytes[0] % 8];
    size_t head = strlen(start), whole = head + size - 1;
    uint8_t *file = fv__alloc(whole + 1);
    fv__bitmap image;
    fv_error error;
    memcpy(file, start, head);
    memcpy(file + head, bytes + 1, size - 1);
    if (!fv__image_decode(file, whole, "fuzz", &image, &error) && (image.height < 1 || image.width < 1)) {
        __builtin_trap();
    }
    fv__bitmap_free(&image);
    fv__free(file);
    return 0;
}
