// Fuzzing the decoders of pictures: any bytes give a picture or an error.
#include "image/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fv__bitmap image;
    fv_error error;
    if (!fv__image_decode(bytes, size, "fuzz", &image, &error) && image.height * image.width < 1) {
        __builtin_trap();
    }
    fv__bitmap_free(&image);
    return 0;
}
