// SPDX-License-Identifier: Apache-2.0
// File formats: round trips, and everything that can be wrong with a file, each with the message it must give.
#include "scratch.h"

#include <zlib.h>

#include "base/memory.h"
#include "formats/csv.h"
#include "formats/file.h"
#include "formats/gzip.h"
#include "formats/idx.h"
#include "formats/safetensors.h"
#include "formats/sha256.h"

static fv_error error;

static void test_file_round_trip(void **state) {
    (void)state;
    const char *path = scratch_path("plain");
    uint8_t *bytes;
    size_t size;
    assert_int_equal(fv__file_write(path, "hello", 5, &error), FV_OK);
    assert_int_equal(fv__file_read(path, 0, &bytes, &size, &error), FV_OK);
    assert_int_equal(size, 5);
    assert_string_equal((char *)bytes, "hello");
    fv__free(bytes);
    assert_int_equal(fv__file_read(path, 4, &bytes, &size, &error), FV_FORMAT);
    assert_int_equal(fv__file_read(scratch_path("absent"), 0, &bytes, &size, &error), FV_NOT_FOUND);
    assert_says(error, "absent");
    assert_int_equal(fv__file_read(scratch, 0, &bytes, &size, &error), FV_IO);
}

static void test_writer_is_all_or_nothing(void **state) {
    (void)state;
    const char *path = scratch_file("kept", "old", 3);
    const char *temporary = scratch_path("kept.tmp");
    fv__writer *writer, *second;
    uint8_t *bytes;
    size_t size;
    assert_int_equal(fv__writer_open(path, &writer, &error), FV_OK);
    assert_int_equal(fv__writer_append(writer, "new", 3, &error), FV_OK);
    assert_int_equal(fv__writer_open(path, &second, &error), FV_IO); // one at a time
    assert_says(error, "another process");
    fv__writer_abandon(writer);
    assert_false(fv__file_exists(temporary));
    assert_int_equal(fv__file_read(path, 0, &bytes, &size, &error), FV_OK);
    assert_string_equal((char *)bytes, "old");
    fv__free(bytes);

    scratch_file("kept.tmp", "left by a killed process", 24);
    assert_int_equal(fv__writer_open(path, &writer, &error), FV_OK);
    char large[100000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = 0;
    assert_int_equal(fv__writer_print(writer, &error, "%d%s", 1, large), FV_OK);
    assert_int_equal(fv__writer_commit(writer, &error), FV_OK);
    assert_false(fv__file_exists(temporary));
    assert_int_equal(fv__file_read(path, 0, &bytes, &size, &error), FV_OK);
    assert_int_equal(size, sizeof large);
    fv__free(bytes);
}

static void test_writer_failures(void **state) {
    (void)state;
    scratch_file("a file", "", 0);
    assert_int_equal(fv__file_write(scratch_path("a file/below"), "x", 1, &error), FV_IO);
    assert_says(error, "a file, not a folder");
    assert_int_equal(fv__file_write(scratch_path("no/where"), "x", 1, &error), FV_NOT_FOUND);
    assert_int_equal(fv__file_write(scratch, "x", 1, &error), FV_IO);
    assert_int_equal(fv__make_folders(scratch_path("a file/below"), &error), FV_IO);
    assert_int_equal(fv__make_folders(scratch_path("x/y/z/"), &error), FV_OK);
    assert_true(fv__folder_exists(scratch_path("x/y/z")));
    assert_int_equal(fv__make_folders(scratch_path("x/y"), &error), FV_OK);
    if (access("/dev/full", W_OK) == 0) {
        assert_int_equal(fv__file_write("/dev/full", "x", 1, &error), FV_IO);
        assert_says(error, "/dev/full: cannot write");
        assert_says(error, "free some space");
        struct stat about;
        assert_int_equal(stat("/dev/full", &about), 0);
        assert_true(S_ISCHR(about.st_mode)); // written to, not replaced
    }
    if (geteuid() != 0) { // root may write anywhere
        assert_int_equal(mkdir(scratch_path("locked"), 0500), 0);
        assert_int_equal(fv__file_write(scratch_path("locked/x"), "x", 1, &error), FV_IO);
        assert_says(error, "rights");
    }
}

static void test_sha256(void **state) {
    (void)state;
    char text[FV__SHA256_TEXT];
    fv__sha256_memory("abc", 3, text); // FIPS 180-4's example
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(fv__sha256_file(scratch_file("abc", "abc", 3), text, &error), FV_OK);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    gzFile packed = gzopen(scratch_path("abc.gz"), "wb");
    gzwrite(packed, "abc", 3);
    gzclose(packed);
    assert_int_equal(fv__sha256_unpacked_file(scratch_path("abc.gz"), text, &error), FV_OK);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(fv__sha256_file(scratch_path("absent"), text, &error), FV_NOT_FOUND);
}

// Writes `bytes` packed; returns the size of the file, whose bytes are in `packed`.
static size_t pack(const char *name, const void *bytes, size_t size, uint8_t **packed) {
    gzFile file = gzopen(scratch_path(name), "wb");
    assert_non_null(file);
    gzwrite(file, bytes, (unsigned)size);
    gzclose(file);
    size_t packed_size;
    assert_int_equal(fv__file_read(scratch_path(name), 0, packed, &packed_size, &error), FV_OK);
    return packed_size;
}

// An IDX file of (5, 700, 700) noise.
enum { COUNT = 5, SIDE = 700, SAMPLE = SIDE * SIDE, IDX_SIZE = 16 + COUNT * SAMPLE };

static uint8_t *make_idx(void) {
    static const uint8_t header[16] = {0, 0, 8,         3,          0, 0, 0,         COUNT,
                                       0, 0, SIDE >> 8, SIDE & 255, 0, 0, SIDE >> 8, SIDE & 255};
    uint8_t *bytes = fv__alloc(IDX_SIZE);
    uint32_t noise = 1;
    memcpy(bytes, header, sizeof header);
    for (size_t i = 16; i < IDX_SIZE; i++) {
        noise = noise * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(noise >> 24);
    }
    return bytes;
}

static void check_samples(const char *path, const uint8_t *bytes) {
    fv__idx *idx;
    uint8_t *sample = fv__alloc(SAMPLE);
    static const size_t order[] = {0, 3, 1, 4, 2};
    assert_int_equal(fv__idx_open(path, 3, &idx, &error), FV_OK);
    assert_int_equal(fv__idx_shape(idx)[0], COUNT);
    assert_int_equal(fv__idx_shape(idx)[2], SIDE);
    assert_int_equal(fv__idx_bytes(idx), COUNT * SAMPLE);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(fv__idx_read(idx, order[i] * SAMPLE, SAMPLE, sample, &error), FV_OK);
        assert_memory_equal(sample, bytes + 16 + order[i] * SAMPLE, SAMPLE);
    }
    assert_int_equal(fv__idx_read(idx, COUNT * SAMPLE - 1, 2, sample, &error), FV_INVALID);
    fv__idx_close(idx);
    fv__free(sample);
}

static void test_idx_plain_and_packed(void **state) {
    (void)state;
    uint8_t *bytes = make_idx();
    uint8_t *packed;
    check_samples(scratch_file("images", bytes, IDX_SIZE), bytes);
    pack("images.gz", bytes, IDX_SIZE, &packed);
    check_samples(scratch_path("images.gz"), bytes);
    fv__free(packed);
    gzFile file = gzopen(scratch_path("parts.gz"), "wb"); // two gzip files one after the other are one
    gzwrite(file, bytes, 1000);
    gzclose(file);
    file = gzopen(scratch_path("parts.gz"), "ab");
    gzwrite(file, bytes + 1000, IDX_SIZE - 1000);
    gzclose(file);
    check_samples(scratch_path("parts.gz"), bytes);
    fv__free(bytes);
}

static void refuse_idx(const void *bytes, size_t size, int rank, const char *says) {
    fv__idx *idx;
    const char *path = scratch_file("bad", bytes, size);
    assert_int_equal(fv__idx_open(path, rank, &idx, &error), FV_FORMAT);
    assert_null(idx);
    assert_says(error, says);
    assert_says(error, path);
    assert_int_equal(fv__idx_parse(bytes, size, "memory", rank, &idx, &error), FV_FORMAT);
    assert_says(error, says);
}

static void test_idx_broken(void **state) {
    (void)state;
    uint8_t *bytes = make_idx();
    refuse_idx(bytes, 0, 3, "16 bytes expected, 0 present");
    refuse_idx(bytes, 10, 3, "16 bytes expected, 10 present");
    refuse_idx(bytes, 1000, 3, "2450016 bytes expected, 1000 present");
    refuse_idx(bytes, IDX_SIZE - 1, 3, "2450016 bytes expected, 2450015 present");
    refuse_idx(bytes, IDX_SIZE, 1, "wrong magic 00 00 08 03, expected 00 00 08 01");
    refuse_idx("<!DOCTYPE html>", 15, 3, "web page");
    refuse_idx("\0\0\x0d\x03", 4, 3, "wrong magic 00 00 0d 03");
    refuse_idx("\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16, 3, "more values than");
    uint8_t *longer = fv__alloc(IDX_SIZE + 1);
    memcpy(longer, bytes, IDX_SIZE);
    refuse_idx(longer, IDX_SIZE + 1, 3, "but there are more");
    fv__free(longer);
    fv__free(bytes);
}

static void test_idx_broken_packed(void **state) {
    (void)state;
    uint8_t *bytes = make_idx();
    uint8_t *packed;
    fv__idx *idx;
    size_t size = pack("whole.gz", bytes, IDX_SIZE, &packed);
    refuse_idx(packed, size - 1000, 3, "2450016 bytes expected, ");
    refuse_idx(packed, size - 1000, 3, "ends in the middle");
    refuse_idx(packed, 12, 3, "ends in the middle");
    refuse_idx(packed, 200, 3, "cannot hold");

    packed[size - 6] ^= 1; // its checksum: seen when the last byte is unpacked
    scratch_file("bad.gz", packed, size);
    uint8_t *all = fv__alloc(COUNT * SAMPLE);
    assert_int_equal(fv__idx_open(scratch_path("bad.gz"), 3, &idx, &error), FV_OK);
    assert_int_equal(fv__idx_read(idx, 0, SAMPLE, all, &error), FV_OK);
    assert_int_equal(fv__idx_read(idx, 0, COUNT * SAMPLE, all, &error), FV_FORMAT);
    assert_says(error, "damaged");
    assert_int_equal(fv__idx_read(idx, 0, COUNT * SAMPLE, all, &error), FV_FORMAT); // and stays so
    fv__idx_close(idx);
    fv__free(packed);

    size = pack("short.gz", bytes, IDX_SIZE - 1, &packed);
    refuse_idx(packed, size, 3, "2450016 bytes expected, 2450015 present");
    fv__free(packed);
    uint8_t header[16];
    memcpy(header, bytes, 16);
    memset(header + 4, 0x0f, 12); // a bomb the other way round: a huge promise in a small file
    size = pack("promise.gz", header, 16, &packed);
    refuse_idx(packed, size, 3, "more values than a file can hold");
    memcpy(header + 4, (uint8_t[12]){0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0, 0, 1}, 12);
    fv__free(packed);
    size = pack("promise.gz", header, 16, &packed);
    refuse_idx(packed, size, 3, "cannot hold");
    fv__free(packed);
    fv__free(all);
    fv__free(bytes);
}

static void test_safetensors_round_trip(void **state) {
    (void)state;
    static const float weights[6] = {1, 2, 3, 4, 5, 6};
    static const uint8_t odd[3] = {7, 8, 9};
    static const int64_t large[2] = {-1, INT64_MAX};
    const fv__tensor_entry entries[] = {
        {.name = "odd", .dtype = FV__U8, .rank = 1, .shape = {3}, .data = odd},
        {.name = "dense/kernel \"quoted\" é", .dtype = FV__F32, .rank = 2, .shape = {2, 3}, .data = weights},
        {.name = "empty", .dtype = FV__F32, .rank = 2, .shape = {0, 3}},
        {.name = "a scalar", .dtype = FV__F32, .rank = 0, .data = weights + 5},
        {.name = "large", .dtype = FV__I64, .rank = 1, .shape = {2}, .data = large},
    };
    const fv__metadata pairs[] = {{"recipe", "a: 1\nb: \"2\"\n"}, {"classes", "[]"}};
    const char *path = scratch_path("round.safetensors");
    uint8_t *first, *second;
    size_t first_size, second_size;
    assert_int_equal(fv__safetensors_write(path, entries, 5, pairs, 2, &error), FV_OK);
    assert_int_equal(fv__file_read(path, 0, &first, &first_size, &error), FV_OK);
    assert_int_equal(fv__safetensors_write(path, entries, 5, pairs, 2, &error), FV_OK);
    assert_int_equal(fv__file_read(path, 0, &second, &second_size, &error), FV_OK);
    assert_int_equal(first_size, second_size);
    assert_memory_equal(first, second, first_size);
    fv__free(first);
    fv__free(second);

    fv__tensor_file *file;
    assert_int_equal(fv__safetensors_open(path, &file, &error), FV_OK);
    assert_int_equal(fv__safetensors_count(file), 5);
    for (size_t i = 0; i < 5; i++) {
        const fv__tensor_entry *entry = fv__safetensors_entry(file, i);
        assert_string_equal(entry->name, entries[i].name); // in order
        assert_ptr_equal(fv__safetensors_find(file, entries[i].name), entry);
        assert_int_equal(entry->rank, entries[i].rank);
        assert_memory_equal(entry->shape, entries[i].shape, sizeof entry->shape);
        assert_int_equal((uintptr_t)entry->data % fv__dtype_size(entry->dtype) * entry->bytes, 0);
        assert_memory_equal(entry->data, entries[i].data ? entries[i].data : odd, entry->bytes);
    }
    assert_int_equal(fv__safetensors_entry(file, 1)->bytes, 24);
    assert_null(fv__safetensors_find(file, "nothing"));
    assert_string_equal(fv__safetensors_metadata(file, "recipe"), "a: 1\nb: \"2\"\n");
    assert_null(fv__safetensors_metadata(file, "nothing"));
    assert_int_equal(fv__safetensors_metadata_count(file), 2);
    assert_string_equal(fv__safetensors_metadata_entry(file, 1).key, "classes");
    fv__safetensors_close(file);

    const fv__tensor_entry twice[] = {entries[0], entries[0]};
    assert_int_equal(fv__safetensors_write(path, twice, 2, NULL, 0, &error), FV_INVALID);
    assert_says(error, "'odd' is there twice");
    const fv__metadata broken = {"text", "\xff"};
    assert_int_equal(fv__safetensors_write(path, entries, 1, &broken, 1, &error), FV_INVALID);
    assert_int_equal(fv__safetensors_open(path, &file, &error), FV_OK); // the old file is still whole
    fv__safetensors_close(file);
}

// A file of a header and `data` zero bytes must be refused with the words.
static void refuse(const char *header, size_t data, const char *says) {
    uint8_t bytes[1024] = {0};
    size_t length = strlen(header);
    fv__tensor_file *file;
    bytes[0] = (uint8_t)length;
    bytes[1] = (uint8_t)(length >> 8);
    memcpy(bytes + 8, header, length);
    assert_int_equal(fv__safetensors_parse(bytes, 8 + length + data, "zoo", &file, &error), FV_FORMAT);
    assert_null(file);
    assert_says(error, "zoo: ");
    assert_says(error, says);
}

#define TENSOR(dtype, shape, from, to)                                                                                 \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"

static void test_safetensors_zoo(void **state) {
    (void)state;
    refuse("{\"a\":" TENSOR("F32", "[2]", "0", "8") "}", 7, "outside the file");
    refuse("{\"a\":" TENSOR("F32", "[2]", "0", "8") "}", 9, "belong to none");
    refuse("{\"a\":" TENSOR("F32", "[3]", "0", "8") "}", 8, "does not fit");
    refuse("{\"a\":" TENSOR("F32", "[2]", "8", "0") "}", 8, "outside the file");
    refuse("{\"a\":" TENSOR("F32", "[2]", "-8", "0") "}", 8, "outside the file");
    refuse("{\"a\":" TENSOR("F32", "[2]", "0", "9223372036854775807") "}", 8, "outside the file");
    refuse("{\"a\":" TENSOR("F32", "[2]", "0", "18446744073709551616") "}", 8, "header");
    refuse("{\"a\":" TENSOR("F32", "[-2]", "0", "8") "}", 8, "whole number");
    refuse("{\"a\":" TENSOR("F32", "[2.0]", "0", "8") "}", 8, "whole number");
    refuse("{\"a\":" TENSOR("F32", "[4611686018427387904,4]", "0", "0") "}", 0, "does not fit");
    refuse("{\"a\":" TENSOR("F32", "[1,1,1,1,1,1,1,1,2]", "0", "8") "}", 8, "rank 9");
    refuse("{\"a\":" TENSOR("F31", "[2]", "0", "8") "}", 8, "unknown type 'F31'");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "data_offsets expected");
    refuse("{\"a\":{\"dtype\":7,\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "dtype");
    refuse("{\"a\":5}", 8, "not an object");
    refuse("{\"a\":" TENSOR("U8", "[4]", "0", "4") ",\"a\":" TENSOR("U8", "[4]", "4", "8") "}", 8, "duplicate");
    refuse("{\"a\":" TENSOR("U8", "[4]", "0", "4") ",\"b\":" TENSOR("U8", "[4]", "2", "6") "}", 6, "overlap");
    refuse("{\"a\":" TENSOR("U8", "[4]", "0", "4") ",\"b\":" TENSOR("U8", "[4]", "5", "9") "}", 9, "gap");
    refuse("{\"__metadata__\":{\"a\":1}}", 0, "not a text");
    refuse("{\"__metadata__\":[]}", 0, "not an object");
    refuse("{\"a\":", 0, "header");
    refuse("[]", 0, "not a safetensors file");
    refuse("", 0, "not a safetensors file");
    fv__tensor_file *file;
    assert_int_equal(fv__safetensors_parse("\xff\xff\xff\xff\xff\xff\xff\xff{", 9, "zoo", &file, &error), FV_FORMAT);
    assert_int_equal(fv__safetensors_parse("\x20\0\0\0\0\0\0\0{", 9, "zoo", &file, &error), FV_FORMAT);
    assert_says(error, "truncated");
}

static void test_csv(void **state) {
    (void)state;
    const char *path = scratch_path("table.csv");
    const char *header[] = {"epoch", "a, \"b\""};
    const char *row[] = {"1", "two\nlines"};
    fv__text text = {0};
    fv__table table;
    fv__csv_add(&text, header, 2);
    fv__csv_add(&text, row, 2);
    assert_string_equal(text.bytes, "epoch,\"a, \"\"b\"\"\"\n1,\"two\nlines\"\n");
    assert_int_equal(fv__file_write(path, text.bytes, text.length, &error), FV_OK);
    fv__text_free(&text);
    assert_int_equal(fv__csv_read(path, &table, &error), FV_OK);
    assert_int_equal(table.rows, 1);
    assert_int_equal(fv__table_column(&table, "a, \"b\""), 1);
    assert_int_equal(fv__table_column(&table, "c"), -1);
    assert_string_equal(fv__table_field(&table, 0, 1), "two\nlines");
    fv__table_free(&table);
    assert_int_equal(fv__csv_parse("a,b\r\n1,\r\n", 9, "memory", &table, &error), FV_OK);
    assert_string_equal(fv__table_field(&table, 0, 1), "");
    fv__table_free(&table);
    assert_int_equal(fv__csv_parse("a,b\n1\n", 6, "memory", &table, &error), FV_FORMAT);
    assert_says(error, "row 2 has 1 fields");
    assert_int_equal(fv__csv_parse("a,\"b", 4, "memory", &table, &error), FV_FORMAT);
    assert_int_equal(fv__csv_parse("", 0, "memory", &table, &error), FV_FORMAT);
}

static void test_allocation_failure(void **state) {
    (void)state;
    static const float values[3] = {1, 2, 3};
    const fv__tensor_entry entries[] = {{.name = "byte", .dtype = FV__U8, .rank = 1, .shape = {1}, .data = values},
                                        {.name = "floats", .dtype = FV__F32, .rank = 1, .shape = {3}, .data = values}};
    const fv__metadata pair = {"key", "value"};
    const char *path = scratch_path("memory.safetensors");
    assert_survives_allocation_failure(fv__safetensors_write(path, entries, 2, &pair, 1, &error), error);
    fv__tensor_file *file;
    assert_survives_allocation_failure(fv__safetensors_open(path, &file, &error), error);
    fv__safetensors_close(file);

    uint8_t *bytes = make_idx();
    uint8_t *packed;
    fv__idx *idx;
    uint8_t last;
    pack("memory.gz", bytes, IDX_SIZE, &packed);
    assert_survives_allocation_failure(fv__idx_open(scratch_path("memory.gz"), 3, &idx, &error), error);
    assert_survives_allocation_failure(fv__idx_read(idx, COUNT * SAMPLE - 1, 1, &last, &error), error);
    assert_int_equal(last, bytes[IDX_SIZE - 1]);
    fv__idx_close(idx);
    assert_survives_allocation_failure(fv__idx_open(scratch_file("memory", bytes, IDX_SIZE), 3, &idx, &error), error);
    fv__idx_close(idx);
    fv__free(packed);
    fv__free(bytes);

    fv__table table;
    char sum[FV__SHA256_TEXT];
    assert_survives_allocation_failure(fv__csv_read(scratch_file("memory.csv", "a,b\n1,2\n", 8), &table, &error),
                                       error);
    fv__table_free(&table);
    assert_survives_allocation_failure(fv__sha256_unpacked_file(scratch_path("memory.gz"), sum, &error), error);
    assert_survives_allocation_failure(fv__make_folders(scratch_path("m/n"), &error), error);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_round_trip),      cmocka_unit_test(test_writer_is_all_or_nothing),
        cmocka_unit_test(test_writer_failures),      cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_idx_plain_and_packed), cmocka_unit_test(test_idx_broken),
        cmocka_unit_test(test_idx_broken_packed),    cmocka_unit_test(test_safetensors_round_trip),
        cmocka_unit_test(test_safetensors_zoo),      cmocka_unit_test(test_csv),
        cmocka_unit_test(test_allocation_failure),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
