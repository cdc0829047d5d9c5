// SPDX-License-Identifier: Apache-2.0
#include "report/tensorboard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "formats/crc32c.h"
#include "formats/file.h"

struct fv__tensorboard {
    FILE *file;
    char *path;
    bool out_of_memory;
    int failure; // errno of the first failed write
};

// --- Protobuf: fields one after the other, each a key (number · 8 + wire type) and a value

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

static void add_little_endian(fv__text *text, uint64_t value, int size) {
    for (int i = 0; i < size; i++, value >>= 8) {
        fv__text_add_bytes(text, &(uint8_t){(uint8_t)value}, 1);
    }
}

// Seven bits a byte, the highest bit says that more follow.
static void add_varint(fv__text *text, uint64_t value) {
    for (; value >= 0x80; value >>= 7) {
        fv__text_add_bytes(text, &(uint8_t){(uint8_t)(value | 0x80)}, 1);
    }
    fv__text_add_bytes(text, &(uint8_t){(uint8_t)value}, 1);
}

static void add_key(fv__text *text, unsigned number, unsigned type) {
    add_varint(text, number * 8 + type);
}

static void add_integer(fv__text *text, unsigned number, uint64_t value) {
    add_key(text, number, VARINT);
    add_varint(text, value);
}

static void add_double(fv__text *text, unsigned number, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    add_key(text, number, FIXED64);
    add_little_endian(text, bits, sizeof bits);
}

static void add_float(fv__text *text, unsigned number, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    add_key(text, number, FIXED32);
    add_little_endian(text, bits, sizeof bits);
}

static void add_bytes(fv__text *text, unsigned number, const void *bytes, size_t size) {
    add_key(text, number, BYTES);
    add_varint(text, size);
    fv__text_add_bytes(text, bytes, size);
}

static void add_message(fv__text *text, unsigned number, const fv__text *message) {
    add_bytes(text, number, message->bytes ? message->bytes : "", message->length);
    text->failed |= message->failed;
}

// --- Records

static uint32_t masked(const void *bytes, size_t size) {
    uint32_t crc = fv__crc32c(bytes, size);
    return (crc >> 15 | crc << 17) + 0xA282EAD8;
}

static void write_record(fv__tensorboard *board, const fv__text *event) {
    fv__text record = {0};
    add_little_endian(&record, event->length, 8);
    add_little_endian(&record, masked(record.bytes, record.length), 4);
    fv__text_add_bytes(&record, event->bytes, event->length);
    add_little_endian(&record, masked(event->bytes, event->length), 4);
    if (event->failed || record.failed) {
        board->out_of_memory = true;
    } else if (fwrite(record.bytes, 1, record.length, board->file) != record.length && !board->failure) {
        board->failure = errno;
    }
    fv__text_free(&record);
}

// Event: 1 wall_time, 2 step, 3 file_version, 5 summary.
static fv__text begin_event(uint64_t step) {
    fv__text event = {0};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    add_double(&event, 1, (double)now.tv_sec + 1e-9 * (double)now.tv_nsec);
    add_integer(&event, 2, step);
    return event;
}

// Summary: 1 value, which is all of it.
static void write_value(fv__tensorboard *board, uint64_t step, const fv__text *value) {
    fv__text summary = {0}, event = begin_event(step);
    add_message(&summary, 1, value);
    add_message(&event, 5, &summary);
    write_record(board, &event);
    fv__text_free(&summary);
    fv__text_free(&event);
}

// --- What is written

fv_status fv__tensorboard_open(const char *folder, fv__tensorboard **out, fv_error *error) {
    static const char version[] = "brain.Event:2";
    fv_status status = fv__make_folders(folder, error);
    fv__tensorboard *board = status ? NULL : fv__alloc(sizeof *board);
    *out = NULL;
    if (!board) {
        return status ? status : fv__fail_memory(error, folder);
    }
    for (int number = 0; !board->file; number++) { // another one of this second must not be lost
        fv__free(board->path);
        board->path = fv__format("%s/events.out.tfevents.%010lld.fovea.%ld.%d", folder, (long long)time(NULL),
                                 (long)getpid(), number);
        board->file = board->path ? fopen(board->path, "wbxe") : NULL;
        if (!board->path || (!board->file && errno != EEXIST)) {
            break;
        }
    }
    if (!board->file) {
        status = board->path ? fv__fail_file(error, board->path, "write", errno) : fv__fail_memory(error, folder);
        fv__tensorboard_close(board);
        return status;
    }
    fv__text event = begin_event(0);
    add_bytes(&event, 3, version, strlen(version));
    write_record(board, &event);
    fv__text_free(&event);
    *out = board;
    return FV_OK;
}

// Value: 1 tag, 2 simple_value, 4 image.
void fv__tensorboard_number(fv__tensorboard *board, const char *tag, uint64_t step, double number) {
    fv__text value = {0};
    add_bytes(&value, 1, tag, strlen(tag));
    add_float(&value, 2, (float)number);
    write_value(board, step, &value);
    fv__text_free(&value);
}

static uint32_t big_endian(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

// Image: 1 height, 2 width, 3 colorspace (3: red, green, blue), 4 encoded_image_string. A PNG begins with 8 bytes of
// signature, 8 of the first chunk's head, then width and height.
void fv__tensorboard_png(fv__tensorboard *board, const char *tag, uint64_t step, const uint8_t *bytes, size_t size) {
    fv__text image = {0}, value = {0};
    add_integer(&image, 1, size >= 24 ? big_endian(bytes + 20) : 0);
    add_integer(&image, 2, size >= 24 ? big_endian(bytes + 16) : 0);
    add_integer(&image, 3, 3);
    add_bytes(&image, 4, bytes, size);
    add_bytes(&value, 1, tag, strlen(tag));
    add_message(&value, 4, &image);
    write_value(board, step, &value);
    fv__text_free(&image);
    fv__text_free(&value);
}

fv_status fv__tensorboard_flush(fv__tensorboard *board, fv_error *error) {
    if (fflush(board->file) != 0 && !board->failure) {
        board->failure = errno;
    }
    if (board->out_of_memory) {
        return fv__fail_memory(error, board->path);
    }
    return board->failure ? fv__fail_file(error, board->path, "write", board->failure) : FV_OK;
}

void fv__tensorboard_close(fv__tensorboard *board) {
    if (board) {
        if (board->file) {
            fclose(board->file);
        }
        fv__free(board->path);
        fv__free(board);
    }
}
