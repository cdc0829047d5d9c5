// SPDX-License-Identifier: Apache-2.0
// CIFAR-10 and CIFAR-100: plain and packed files, folders and archives, labels and class names, and what can be wrong.
#include "datasets.h"
#include "scratch.h"

#include <archive.h>
#include <archive_entry.h>

#include "base/memory.h"
#include "data/cifar.h"
#include "data/locate.h"
#include "formats/file.h"
#include "recipe/data_section.h"

static fv_error error;

enum { PLANE = 1024, TEN = 1 + 3 * PLANE, HUNDRED = 2 + 3 * PLANE };

// Value of channel c of pixel i in record k of a file.
static uint8_t value_of(int k, int i, int c) {
    return (uint8_t)(k * 7 + i * 3 + c * 85);
}

// `count` records with one label byte (k + first) % 10, or two: coarse k % 20, fine (k + first) % 100.
static uint8_t *make_records(int label_bytes, int count, int first) {
    size_t record = (size_t)label_bytes + 3 * PLANE;
    uint8_t *bytes = fv__alloc((size_t)count * record);
    for (int k = 0; k < count; k++) {
        uint8_t *at = bytes + (size_t)k * record;
        at[0] = (uint8_t)(label_bytes == 2 ? k % 20 : (k + first) % 10);
        at[label_bytes - 1] = label_bytes == 2 ? (uint8_t)((k + first) % 100) : at[0];
        for (int j = 0; j < 3 * PLANE; j++) {
            at[label_bytes + j] = value_of(k, j % PLANE, j / PLANE);
        }
    }
    return bytes;
}

// Packs one file by itself (`member` NULL) or as members of a tar, each `size` bytes of `bytes`.
typedef enum packing { XZ, GZIP } packing;
static const char *pack(const char *name, packing how, const char *const *members, const uint8_t *bytes, size_t size) {
    const char *path = scratch_path(name);
    static const char *const alone[] = {"content", NULL};
    struct archive *writer = archive_write_new();
    assert_int_equal(how == XZ ? archive_write_add_filter_xz(writer) : archive_write_add_filter_gzip(writer), 0);
    assert_int_equal(members ? archive_write_set_format_ustar(writer) : archive_write_set_format_raw(writer), 0);
    assert_int_equal(archive_write_open_filename(writer, path), 0);
    for (const char *const *member = members ? members : alone; *member; member++) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, *member);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        archive_entry_set_size(entry, (la_int64_t)size);
        assert_int_equal(archive_write_header(writer, entry), 0);
        assert_int_equal(archive_write_data(writer, bytes, size), (la_ssize_t)size);
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_free(writer), 0);
    return path;
}

static void check_hundred(const char *path, size_t count, int first) {
    fv_dataset *set;
    uint8_t pixels[3 * PLANE];
    if (open_set("cifar100", "train", path, &set, &error)) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(set->count, count);
    for (size_t k = 0; k < count; k += count / 3) {
        assert_int_equal(set->labels[k], ((int)k + first) % 100);
        assert_int_equal(fv_dataset_read(set, k, pixels, &error), FV_OK);
        for (int i = 0; i < PLANE; i++) {
            for (int c = 0; c < 3; c++) {
                assert_int_equal(pixels[i * 3 + c], value_of((int)k, i, c));
            }
        }
    }
    fv_dataset_free(set);
}

static void test_hundred_in_every_form(void **state) {
    (void)state;
    const int count = 1500; // more than a block
    uint8_t *bytes = make_records(2, count, 5);
    const size_t size = (size_t)count * HUNDRED;
    static const char *const members[] = {"cifar-100-binary/readme", "cifar-100-binary/test.bin",
                                          "cifar-100-binary/train.bin", NULL};
    assert_int_equal(fv__make_folders(scratch_path("plain/cifar100"), &error), FV_OK);
    scratch_file("plain/cifar100/train.bin", bytes, size);
    check_hundred(scratch_path("plain"), (size_t)count, 5);
    check_hundred(scratch_path("plain/cifar100"), (size_t)count, 5);
    mkdir(scratch_path("xz"), 0777);
    pack("xz/train.bin.xz", XZ, NULL, bytes, size);
    check_hundred(scratch_path("xz"), (size_t)count, 5);
    mkdir(scratch_path("gzip"), 0777);
    pack("gzip/train.bin.gz", GZIP, NULL, bytes, size);
    check_hundred(scratch_path("gzip"), (size_t)count, 5);
    assert_int_equal(fv__make_folders(scratch_path("unpacked/cifar-100-binary"), &error), FV_OK);
    scratch_file("unpacked/cifar-100-binary/train.bin", bytes, size);
    check_hundred(scratch_path("unpacked"), (size_t)count, 5);
    mkdir(scratch_path("tar"), 0777);
    pack("tar/cifar-100-binary.tar.gz", GZIP, members, bytes, size);
    check_hundred(scratch_path("tar"), (size_t)count, 5);
    check_hundred(scratch_path("tar/cifar-100-binary.tar.gz"), (size_t)count, 5);
    pack("other.tar.xz", XZ, members, bytes, size);
    check_hundred(scratch_path("other.tar.xz"), (size_t)count, 5);
    fv__free(bytes);
}

static void test_labels_and_names(void **state) {
    (void)state;
    fv_dataset *set;
    uint8_t *bytes = make_records(2, 40, 60);
    mkdir(scratch_path("names"), 0777);
    scratch_file("names/train.bin", bytes, (size_t)40 * HUNDRED);
    assert_int_equal(open_set("cifar100-coarse", "train", scratch_path("names"), &set, &error), FV_OK);
    assert_int_equal(set->classes, 20);
    assert_int_equal(set->labels[33], 13);
    assert_string_equal(set->class_names[19], "vehicles_2");
    fv_dataset_free(set);
    assert_int_equal(open_set("cifar100", "train", scratch_path("names"), &set, &error), FV_OK);
    assert_int_equal(set->labels[33], 93);
    assert_string_equal(set->class_names[99], "worm");
    fv_dataset_free(set);
    char text[2048] = "";
    for (int i = 0; i < 20; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "Gruppe %d\r\n%s", i, i % 5 ? "" : "\n");
    }
    scratch_file("names/coarse_label_names.txt", text, strlen(text));
    assert_int_equal(open_set("cifar100-coarse", "train", scratch_path("names"), &set, &error), FV_OK);
    assert_string_equal(set->class_names[0], "Gruppe 0");
    assert_string_equal(set->class_names[19], "Gruppe 19");
    fv_dataset_free(set);
    scratch_file("names/coarse_label_names.txt", text, strlen(text) - 5);
    scratch_file("names/coarse_label_names.txt", "one\ntwo\n", 8);
    assert_int_equal(open_set("cifar100-coarse", "train", scratch_path("names"), &set, &error), FV_FORMAT);
    assert_says(error, "coarse_label_names.txt: 2 class names, but there are 20");
    scratch_file("names/coarse_label_names.txt", "\xff\xfe\n", 3);
    assert_int_equal(open_set("cifar100-coarse", "train", scratch_path("names"), &set, &error), FV_FORMAT);
    fv__free(bytes);
}

// Five files in an archive in another order: their samples stand in the order of the numbers.
static void test_ten(void **state) {
    (void)state;
    static const char *const members[] = {"x/data_batch_4.bin",
                                          "x/test_batch.bin",
                                          "x/data_batch_1.bin",
                                          "x/data_batch_5.bin",
                                          "x/data_batch_2.bin",
                                          "x/data_batch_3.bin",
                                          NULL};
    fv_dataset *set;
    mkdir(scratch_path("ten"), 0777);
    uint8_t *bytes = make_records(1, 4, 0);
    for (int batch = 1; batch <= 5; batch++) {
        char name[64];
        uint8_t *own = make_records(1, 4, batch);
        snprintf(name, sizeof name, "ten/data_batch_%d.bin", batch);
        assert_int_equal(open_set("cifar10", "train", scratch_path("ten"), &set, &error), FV_NOT_FOUND);
        assert_says(error, "no data_batch_");
        scratch_file(name, own, (size_t)4 * TEN);
        fv__free(own);
    }
    assert_int_equal(open_set("cifar10", "train", scratch_path("ten"), &set, &error), FV_OK);
    assert_int_equal(set->count, 20);
    uint8_t pixels[3 * PLANE];
    for (int k = 0; k < 20; k++) {
        assert_int_equal(set->labels[k], (k / 4 + 1 + k % 4) % 10);
        assert_int_equal(fv_dataset_read(set, (size_t)k, pixels, &error), FV_OK);
        assert_int_equal(pixels[3 * 9 + 1], value_of(k % 4, 9, 1));
    }
    assert_string_equal(set->class_names[9], "truck");
    fv_dataset_free(set);
    const char *path = pack("ten.tar.gz", GZIP, members, bytes, (size_t)4 * TEN);
    assert_int_equal(open_set("cifar10", "train", path, &set, &error), FV_OK);
    assert_int_equal(set->count, 20);
    fv_dataset_free(set);
    path = pack("less.tar.gz", GZIP, members + 1, bytes, (size_t)4 * TEN);
    assert_int_equal(open_set("cifar10", "train", path, &set, &error), FV_FORMAT);
    assert_says(error, "less.tar.gz: no data_batch_4.bin in it");
    fv__free(bytes);
}

static void expect_broken(const char *path, const char *message) {
    fv_dataset *set;
    assert_int_equal(open_set("cifar100", "train", path, &set, &error), FV_FORMAT);
    assert_null(set);
    assert_says(error, message);
}

static void test_broken_files(void **state) {
    (void)state;
    static const char *const members[] = {"../../train.bin", NULL}; // read by its last name, never written
    uint8_t *bytes = make_records(2, 30, 0);
    const size_t size = (size_t)30 * HUNDRED;
    mkdir(scratch_path("bad"), 0777);
    scratch_file("bad/train.bin", bytes, size - 100);
    expect_broken(scratch_path("bad"), "train.bin: truncated");
    expect_broken(scratch_path("bad"), "record 29 has 2974 of its 3074 bytes");
    scratch_file("bad/train.bin", bytes, 0);
    expect_broken(scratch_path("bad"), "train.bin: ");
    bytes[7 * HUNDRED + 1] = 100;
    scratch_file("bad/train.bin", bytes, size);
    expect_broken(scratch_path("bad"), "train.bin: label 7 is 100, but there are 100 classes");
    const char *tar = pack("bad.tar.gz", GZIP, members, bytes, size);
    expect_broken(tar, "bad.tar.gz: train.bin: label 7 is 100");
    bytes[7 * HUNDRED + 1] = 99;
    tar = pack("bad.tar.gz", GZIP, members, bytes, size);
    check_hundred(tar, 30, 0);
    struct stat about;
    assert_int_equal(stat(tar, &about), 0);
    assert_int_equal(truncate(tar, about.st_size / 2), 0);
    expect_broken(tar, "bad.tar.gz");
    remove(scratch_path("bad/train.bin"));
    const char *xz = pack("bad/train.bin.xz", XZ, NULL, bytes, size);
    assert_int_equal(stat(xz, &about), 0);
    assert_int_equal(truncate(xz, about.st_size / 2), 0);
    expect_broken(scratch_path("bad"), "train.bin.xz");
    scratch_file("bad.tar.gz", "no archive at all, only words", 29);
    expect_broken(scratch_path("bad.tar.gz"), "bad.tar.gz");
    fv_dataset *set;
    assert_int_equal(open_set("cifar100", "test", scratch_path("bad"), &set, &error), FV_NOT_FOUND);
    assert_says(error, "no test.bin");
    assert_says(error, "fovea data get cifar100");
    fv__free(bytes);
}

static void test_allocation_failure(void **state) {
    (void)state;
    fv_dataset *set, *train, *validation;
    scratch_file("names/coarse_label_names.txt", "", 0);
    remove(scratch_path("names/coarse_label_names.txt"));
    assert_survives_allocation_failure(open_set("cifar10", "train", scratch_path("ten"), &set, &error), error);
    assert_survives_allocation_failure(fv__dataset_stratify(set, 0.5, 1, &train, &validation, &error), error);
    fv_dataset_free(set);
    fv_dataset_free(train);
    fv_dataset_free(validation);
    assert_survives_allocation_failure(open_set("cifar100", "train", scratch_path("tar"), &set, &error), error);
    fv_dataset_free(set);
}

// 400 samples of 100 classes, 4 each.
static void test_stratified_split(void **state) {
    (void)state;
    fv_dataset *set, *train, *validation, *again, *other;
    int counts[100] = {0};
    uint8_t *bytes = make_records(2, 400, 0);
    mkdir(scratch_path("split"), 0777);
    scratch_file("split/train.bin", bytes, (size_t)400 * HUNDRED);
    assert_int_equal(open_set("cifar100", "train", scratch_path("split"), &set, &error), FV_OK);
    assert_int_equal(fv__dataset_stratify(set, 0.25, 3, &train, &validation, &error), FV_OK);
    assert_int_equal(train->count, 300);
    assert_int_equal(validation->count, 100);
    uint8_t seen[400] = {0}, pixels[3 * PLANE];
    for (size_t i = 0; i < 100; i++) {
        counts[validation->labels[i]]++;
        assert_int_equal(fv_dataset_read(validation, i, pixels, &error), FV_OK);
        for (int k = 0; k < 400; k++) { // which record it is
            seen[k] |= k % 100 == validation->labels[i] && pixels[0] == value_of(k, 0, 0);
        }
    }
    int found = 0;
    for (int k = 0; k < 400; k++) {
        found += seen[k];
    }
    assert_int_equal(found, 100);
    for (int label = 0; label < 100; label++) {
        assert_int_equal(counts[label], 1);
    }
    fv_dataset_free(train);
    assert_int_equal(fv__dataset_stratify(set, 0.25, 3, &train, &again, &error), FV_OK);
    assert_memory_equal(again->labels, validation->labels, 100 * sizeof(int32_t));
    fv_dataset_free(train);
    assert_int_equal(fv__dataset_stratify(set, 0.25, 4, &train, &other, &error), FV_OK);
    assert_memory_not_equal(other->labels, validation->labels, 100 * sizeof(int32_t));
    fv_dataset_free(train);
    fv_dataset_free(validation);
    assert_int_equal(fv__dataset_stratify(set, 1e-9, 4, &train, &validation, &error), FV_OK); // ⌈⌉: one of each class
    assert_int_equal(validation->count, 100);
    fv_dataset_free(validation);
    fv_dataset_free(train);
    assert_int_equal(fv__dataset_stratify(set, 0.9, 4, &train, &validation, &error), FV_OK);
    assert_int_equal(train->count, 100); // one of each class here, too
    fv_dataset_free(validation);
    fv_dataset_free(train);
    fv_dataset_free(again);
    fv_dataset_free(other);
    fv_dataset_free(set);
    fv__free(bytes);
}

// The data section of a recipe.
static fv_status open_section(const char *text, fv_dataset **train, fv_dataset **validation) {
    char full[1024];
    fv__document *document;
    fv__data_settings settings;
    snprintf(full, sizeof full, text, scratch_path("split"));
    *train = *validation = NULL;
    assert_int_equal(fv__document_parse(full, strlen(full), "data.yaml", &document, &error), FV_OK);
    fv_status status = fv__data_settings_read(fv__document_root(document), &settings, &error);
    if (!status) {
        status = fv__data_open(&settings, train, validation, &error);
    }
    fv__document_free(document);
    return status;
}

static void test_data_section(void **state) {
    (void)state;
    fv_dataset *train, *validation;
    assert_int_equal(fv__options_check(fv__validation_options, "validation", &error), FV_OK);
    assert_int_equal(open_section("{set: cifar100, labels: coarse, path: '%s', validation: {fraction: 0.25, "
                                  "stratified: true, seed: 7}}",
                                  &train, &validation),
                     FV_OK);
    assert_int_equal(train->count, 300);
    assert_int_equal(train->classes, 20);
    fv_dataset_free(train);
    fv_dataset_free(validation);
    assert_int_equal(open_section("{set: cifar100, path: '%s', validation: {fraction: 0.25}}", &train, &validation),
                     FV_OK);
    assert_int_equal(train->count, 300);
    assert_int_equal(validation->labels[0], 0);
    assert_int_equal(validation->labels[99], 99);
    fv_dataset_free(train);
    fv_dataset_free(validation);
    assert_int_equal(open_section("{set: cifar100, labels: rough, path: '%s'}", &train, &validation), FV_INVALID);
    assert_says(error, "there are: fine, coarse");
    assert_int_equal(open_section("{set: mnist, labels: fine, path: '%s'}", &train, &validation), FV_INVALID);
    assert_says(error, "mnist has only one kind of labels");
    assert_int_equal(open_section("{set: cifar100, path: '%s', validation: {fraction: 2}}", &train, &validation),
                     FV_INVALID);
    assert_says(error, "data.validation.fraction");
}

static void test_real_data(void **state) {
    (void)state;
    const char *path = FV__SOURCE_DIR "/../shared/data/cifar-100-binary";
    fv_dataset *set;
    if (!fv__folder_exists(path)) {
        print_message("CIFAR-100 is not on this machine\n");
        skip();
    }
    assert_int_equal(open_set("cifar100", "test", path, &set, &error), FV_OK);
    assert_int_equal(set->count, 10000);
    fv__dataset_statistics statistics;
    assert_int_equal(fv__dataset_measure(set, &statistics, &error), FV_OK);
    for (int label = 0; label < 100; label++) {
        assert_int_equal(statistics.class_counts[label], 100);
    }
    assert_true(statistics.mean[0] > 129 && statistics.mean[0] < 130.5);
    fv__dataset_statistics_free(&statistics);
    fv_dataset_free(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hundred_in_every_form),
        cmocka_unit_test(test_labels_and_names),
        cmocka_unit_test(test_ten),
        cmocka_unit_test(test_broken_files),
        cmocka_unit_test(test_allocation_failure),
        cmocka_unit_test(test_stratified_split),
        cmocka_unit_test(test_data_section),
        cmocka_unit_test(test_real_data),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
