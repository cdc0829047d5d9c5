// SPDX-License-Identifier: Apache-2.0
// Fuzzing the decoders of images in memory: any bytes give an image or an error. The first byte chooses how the others
// begin, so that every decoder is reached at once; as it is for files that begin right themselves (a corpus).
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "image/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

// A header may claim any size up to the limit, and clearing memory for it would be most of the work.
static void *allocate(void *context, size_t size) {
    enum { MOST = 1 << 22 };
    (void)context;
    return size < MOST ? malloc(size) : NULL;
}

static void release(void *context, void *block) {
    (void)context;
    free(block);
}

#define START(text) text, sizeof(text) - 1

static const struct {
    const char *text;
    size_t size;
} starts[] = {
    {START("")},
    {START("\xff\xd8\xff\xe0")},
    {START("\xff\xd8\xff\xdb")},
    {START("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR")},
    {START("GIF89a")},
    {START("BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0")},
    {START("BM\0\0\0\0\0\0\0\0\0\0\0\0\x7c\0\0\0")},
    {START("P6 ")},
    {START("P2 ")},
    {START("P4 ")},
    {START("P7\nWIDTH ")},
    {START("II*\0\x08\0\0\0")},
    {START("MM\0*\0\0\0\x08")},
    {START("II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0")},
    {START("RIFF\xf8\0\0\0WEBPVP8L")},
    {START("RIFF\xf8\0\0\0WEBPVP8X")},
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size == 0) {
        return 0;
    }
    fv_set_allocator(&(fv_allocator){allocate, release, NULL});
    const size_t choice = bytes[0] % (sizeof starts / sizeof *starts);
    const size_t head = starts[choice].size, whole = head + size - 1;
    uint8_t *file = malloc(whole ? whole : 1); // exactly as long, so that AddressSanitizer sees a step too far
    fv__bitmap image;
    fv_error error;
    memcpy(file, starts[choice].text, head);
    memcpy(file + head, bytes + 1, size - 1);
    if (!fv__image_decode(file, whole, "fuzz", &image, &error) && (image.height < 1 || image.width < 1)) {
        __builtin_trap();
    }
    fv__bitmap_free(&image);
    free(file);
    return 0;
}
