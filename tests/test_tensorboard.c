// SPDX-License-Identifier: Apache-2.0
// Event files byte by byte, and where the tensorboard package is installed, as it reads them.
#include "scratch.h"

#include <dirent.h>

#include "formats/crc32c.h"
#include "report/tensorboard.h"

// The examples of RFC 3720, appendix B.4, and the usual one.
static void sums_known_texts(void **state) {
    (void)state;
    uint8_t bytes[32] = {0};
    assert_int_equal(fv__crc32c("123456789", 9), 0xE3069283);
    assert_int_equal(fv__crc32c(bytes, 32), 0x8A9136AA);
    memset(bytes, 0xFF, 32);
    assert_int_equal(fv__crc32c(bytes, 32), 0x62A8AB43);
    for (int i = 0; i < 32; i++) {
        bytes[i] = (uint8_t)i;
    }
    assert_int_equal(fv__crc32c(bytes, 32), 0x46DD794E);
    assert_int_equal(fv__crc32c("", 0), 0);
}

static void write_events(const char *folder) {
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13,
                                  'I',  'H', 'D', 'R', 0,  0,  1,  2,  0, 0, 0, 5};
    fv_error error;
    fv__tensorboard *board;
    assert_int_equal(fv__tensorboard_open(folder, &board, &error), FV_OK);
    fv__tensorboard_number(board, "loss", 300, 0.5);
    fv__tensorboard_png(board, "picture", 7, png, sizeof png);
    assert_int_equal(fv__tensorboard_flush(board, &error), FV_OK);
    fv__tensorboard_close(board);
}

// The bytes of the only file in a folder.
static size_t read_only_file(const char *folder, uint8_t *bytes, size_t room) {
    DIR *list = opendir(folder);
    size_t size = 0;
    assert_non_null(list);
    for (struct dirent *entry; (entry = readdir(list));) {
        if (entry->d_name[0] != '.') {
            char path[1024];
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            assert_non_null(strstr(path, "events.out.tfevents."));
            FILE *file = fopen(path, "rb");
            assert_non_null(file);
            size = fread(bytes, 1, room, file);
            fclose(file);
        }
    }
    closedir(list);
    return size;
}

static uint64_t little_endian(const uint8_t *bytes, int size) {
    uint64_t value = 0;
    for (int i = 0; i < size; i++) {
        value |= (uint64_t)bytes[i] << 8 * i;
    }
    return value;
}

static uint32_t masked(const uint8_t *bytes, size_t size) {
    uint32_t crc = fv__crc32c(bytes, size);
    return ((crc >> 15) | (crc << 17)) + 0xA282EAD8;
}

// Checks a record's frame and gives its content.
static const uint8_t *open_record(const uint8_t **at, size_t *size) {
    const uint8_t *record = *at, *content = record + 12;
    *size = little_endian(record, 8);
    assert_int_equal(little_endian(record + 8, 4), masked(record, 8));
    assert_int_equal(little_endian(content + *size, 4), masked(content, *size));
    *at = content + *size + 4;
    return content;
}

static void frames_records(void **state) {
    (void)state;
    static const uint8_t number[] = {0x10, 0xAC, 0x02,                 // step: 300
                                     0x2A, 0x0D, 0x0A, 0x0B,           // summary { value {
                                     0x0A, 0x04, 'l',  'o',  's', 's', //   tag: "loss"
                                     0x15, 0,    0,    0,    0x3F};    //   simple_value: 0.5
    static const uint8_t image[] = {0x10, 0x07, 0x2A, 0x2E, 0x0A, 0x2C, 0x0A, 0x07, 'p',  'i',  'c',  't',  'u',  'r',
                                    'e',  0x22, 0x21, 0x08, 0x05, 0x10, 0x82, 0x02, 0x18, 0x03, 0x22, 0x18, 0x89, 'P'};
    uint8_t bytes[1024];
    const uint8_t *at = bytes;
    size_t size;
    write_events(scratch_path("bytes/deep"));
    size_t total = read_only_file(scratch_path("bytes/deep"), bytes, sizeof bytes);
    const uint8_t *event = open_record(&at, &size);
    assert_int_equal(event[0], 0x09); // wall_time
    assert_memory_equal(event + 9,
                        "\x10\x00\x1A\x0D"
                        "brain.Event:2",
                        17);
    assert_int_equal(size, 26);
    event = open_record(&at, &size);
    assert_int_equal(size, 9 + sizeof number);
    assert_memory_equal(event + 9, number, sizeof number);
    event = open_record(&at, &size);
    assert_memory_equal(event + 9, image, sizeof image);
    assert_int_equal(at - bytes, total);
}

static void reads_in_tensorboard(void **state) {
    (void)state;
    static const char script[] = "import sys\n"
                                 "from tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n"
                                 "events = EventAccumulator(sys.argv[1], size_guidance={'images': 0})\n"
                                 "events.Reload()\n"
                                 "loss, = events.Scalars('loss')\n"
                                 "picture, = events.Images('picture')\n"
                                 "assert (loss.step, loss.value) == (300, 0.5), loss\n"
                                 "assert (picture.step, picture.width, picture.height) == (7, 258, 5), picture\n"
                                 "assert len(picture.encoded_image_string) == 24\n";
    const char *python = getenv("FOVEA_TENSORBOARD_PYTHON");
    char command[2048];
    snprintf(command, sizeof command, "%s -c 'import tensorboard' 2>/dev/null", python ? python : "python3");
    if (system(command) != 0) {
        skip();
    }
    scratch_file("read.py", script, strlen(script));
    write_events(scratch_path("read"));
    snprintf(command, sizeof command, "%s %s %s", python ? python : "python3", scratch_path("read.py"),
             scratch_path("read"));
    assert_int_equal(system(command), 0);
}

static void reports_failures(void **state) {
    (void)state;
    fv_error error;
    fv__tensorboard *board;
    scratch_file("file", "", 0);
    assert_true(fv__tensorboard_open(scratch_path("file/below"), &board, &error) != FV_OK);
    assert_null(board);
    assert_says(error, "file");
}

static fv_status write_one(fv_error *error) {
    fv__tensorboard *board;
    fv_status status = fv__tensorboard_open(scratch_path("scarce"), &board, error);
    if (!status) {
        fv__tensorboard_number(board, "accuracy", 1, 0.25);
        status = fv__tensorboard_flush(board, error);
    }
    fv__tensorboard_close(board);
    return status;
}

static void survives_allocation_failure(void **state) {
    (void)state;
    fv_error error;
    assert_survives_allocation_failure(write_one(&error), error);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_known_texts),
        cmocka_unit_test(frames_records),
        cmocka_unit_test(reads_in_tensorboard),
        cmocka_unit_test(reports_failures),
        cmocka_unit_test(survives_allocation_failure),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
