// SPDX-License-Identifier: Apache-2.0
// Data sets: where their files are looked for, what can be wrong with them, views, digests and statistics.
#include "datasets.h"
#include "scratch.h"

#include <pthread.h>

#include "base/memory.h"
#include "data/locate.h"
#include "data/registry.h"
#include "formats/file.h"

static fv_error error;

enum { PIXELS = 28 * 28 };

static void write_images(const char *name, uint8_t count, uint8_t side) {
    uint8_t *bytes = fv__alloc(16 + (size_t)count * side * side);
    memcpy(bytes, (uint8_t[16]){0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, side, 0, 0, 0, side}, 16);
    for (size_t i = 0; i < (size_t)count * side * side; i++) {
        bytes[16 + i] = (uint8_t)(i / ((size_t)side * side) * 10 + i % 2); // sample k: 10k and 10k + 1
    }
    scratch_file(name, bytes, 16 + (size_t)count * side * side);
    fv__free(bytes);
}

static void write_labels(const char *name, uint8_t count, uint8_t last) {
    uint8_t bytes[8 + 256] = {0, 0, 8, 1, 0, 0, 0, count};
    for (size_t i = 0; i < count; i++) {
        bytes[8 + i] = i + 1 == count ? last : (uint8_t)(i % 10);
    }
    scratch_file(name, bytes, 8 + (size_t)count);
}

static fv_status open_in(const char *folder, fv_dataset **out) {
    return open_set("mnist", "train", scratch_path(folder), out, &error);
}

static void test_open_and_views(void **state) {
    (void)state;
    mkdir(scratch_path("good"), 0777);
    write_images("good/train-images.idx3-ubyte", 20, 28);
    write_labels("good/train-labels-idx1-ubyte", 20, 3);
    fv_dataset *set, *tail, *two, *all;
    uint8_t pixels[PIXELS];
    assert_int_equal(open_in("good", &set), FV_OK);
    assert_int_equal(set->count, 20);
    assert_int_equal(set->labels[19], 3);
    assert_string_equal(set->class_names[9], "9");
    assert_int_equal(fv__dataset_sample_size(set), PIXELS);
    assert_int_equal(fv__dataset_view(set, 16, 4, &tail, &error), FV_OK);
    assert_int_equal(fv__dataset_limit(tail, 2, &two, &error), FV_OK);
    assert_int_equal(fv__dataset_limit(set, 1000, &all, &error), FV_OK);
    assert_int_equal(all->count, 20);
    fv_dataset *none;
    assert_int_equal(fv__dataset_view(tail, 3, 2, &none, &error), FV_INVALID);
    assert_says(error, "2 samples from 3 on");
    fv_dataset_free(all);
    fv_dataset_free(set);
    fv_dataset_free(tail); // the last view keeps the files open
    assert_int_equal(two->count, 2);
    assert_int_equal(two->labels[1], 7);
    assert_int_equal(fv_dataset_read(two, 1, pixels, &error), FV_OK);
    assert_int_equal(pixels[0], 170);
    assert_int_equal(pixels[1], 171);
    assert_int_equal(fv_dataset_read(two, 2, pixels, &error), FV_INVALID);
    fv_dataset_free(two);
    assert_int_equal(open_set("mnits", "train", NULL, &set, &error), FV_NOT_FOUND);
    assert_says(error, "there are: mnist, fashion-mnist");
    assert_int_equal(open_set("mnist", "validation", NULL, &set, &error), FV_INVALID);
}

static void test_digest_and_statistics(void **state) {
    (void)state;
    fv_dataset *set, *part;
    char whole[FV__SHA256_TEXT], again[FV__SHA256_TEXT], less[FV__SHA256_TEXT];
    fv__dataset_statistics statistics;
    assert_int_equal(open_in("good", &set), FV_OK);
    assert_int_equal(fv__dataset_view(set, 0, 19, &part, &error), FV_OK);
    assert_int_equal(fv__dataset_digest(set, whole, &error), FV_OK);
    assert_int_equal(fv__dataset_digest(set, again, &error), FV_OK);
    assert_int_equal(fv__dataset_digest(part, less, &error), FV_OK);
    assert_string_equal(whole, again);
    assert_string_not_equal(whole, less);
    assert_int_equal(fv__dataset_measure(part, &statistics, &error), FV_OK);
    assert_int_equal(statistics.class_counts[0], 2);
    assert_int_equal(statistics.class_counts[9], 1);
    assert_int_equal(statistics.minimum, 0);
    assert_int_equal(statistics.maximum, 181);
    assert_true(statistics.mean[0] > 90.4999 && statistics.mean[0] < 90.5001);
    assert_true(statistics.deviation[0] > 54.7745 && statistics.deviation[0] < 54.7747); // sqrt(3000 + 1/4)
    fv__dataset_statistics_free(&statistics);
    fv_dataset_free(part);
    fv_dataset_free(set);
}

static void test_broken_files(void **state) {
    (void)state;
    fv_dataset *set;
    mkdir(scratch_path("bad"), 0777);
    write_images("bad/train-images-idx3-ubyte", 20, 28);
    assert_int_equal(open_in("bad", &set), FV_NOT_FOUND);
    assert_says(error, "no train-labels-idx1-ubyte");
    write_labels("bad/train-labels-idx1-ubyte", 19, 1);
    assert_int_equal(open_in("bad", &set), FV_FORMAT);
    assert_says(error, "has 20 images");
    assert_says(error, "has 19 labels");
    write_labels("bad/train-labels-idx1-ubyte", 20, 10);
    assert_int_equal(open_in("bad", &set), FV_FORMAT);
    assert_says(error, "label 19 is 10");
    write_labels("bad/train-labels-idx1-ubyte", 20, 9);
    write_images("bad/train-images-idx3-ubyte", 20, 32);
    assert_int_equal(open_in("bad", &set), FV_FORMAT);
    assert_says(error, "32×32");
    write_labels("bad/train-images-idx3-ubyte", 20, 9);
    assert_int_equal(open_in("bad", &set), FV_FORMAT);
    assert_says(error, "these are labels");
    assert_int_equal(truncate(scratch_path("bad/train-images-idx3-ubyte"), 3), 0);
    assert_int_equal(open_in("bad", &set), FV_FORMAT);
    assert_says(error, "train-images-idx3-ubyte: truncated");
    assert_int_equal(fv__dataset_verify(fv__dataset_info_find("mnist", NULL), "train", scratch_path("bad"), &error),
                     FV_FORMAT);
    assert_says(error, "not the published file");
}

static void make_pair(const char *folder, uint8_t count) {
    char name[128];
    assert_int_equal(fv__make_folders(scratch_path(folder), &error), FV_OK);
    snprintf(name, sizeof name, "%s/train-images-idx3-ubyte", folder);
    write_images(name, count, 28);
    snprintf(name, sizeof name, "%s/train-labels-idx1-ubyte", folder);
    write_labels(name, count, 1);
}

static void expect_count(size_t count) {
    fv_dataset *set;
    assert_int_equal(open_set("mnist", "train", NULL, &set, &error), FV_OK);
    assert_int_equal(set->count, count);
    fv_dataset_free(set);
}

static void test_search_order(void **state) {
    (void)state;
    fv_dataset *set;
    setenv("XDG_CACHE_HOME", scratch_path("cache"), 1);
    setenv("FOVEA_DATA", scratch_path("data"), 1);
    assert_int_equal(open_set("mnist", "train", NULL, &set, &error), FV_NOT_FOUND);
    assert_says(error, "data/mnist (no such folder)");
    assert_says(error, "cache/fovea/mnist (no such folder)");
    assert_says(error, "fovea data get mnist");
    make_pair("cache/fovea/mnist", 1);
    expect_count(1);
    make_pair("data", 2);
    expect_count(2);
    make_pair("data/mnist", 3);
    expect_count(3);
    make_pair("given/mnist", 4);
    assert_int_equal(open_in("given", &set), FV_OK);
    assert_int_equal(set->count, 4);
    fv_dataset_free(set);
    assert_int_equal(open_in("data/none", &set), FV_NOT_FOUND); // a path given is the only place
    unsetenv("XDG_CACHE_HOME");
    setenv("HOME", scratch_path("home"), 1);
    make_pair("home/.cache/fovea/mnist", 5);
    unsetenv("FOVEA_DATA");
    expect_count(5);
}

static void test_allocation_failure(void **state) {
    (void)state;
    fv_dataset *set, *part;
    char sum[FV__SHA256_TEXT];
    fv__dataset_statistics statistics;
    setenv("XDG_CACHE_HOME", scratch_path("cache"), 1);
    setenv("FOVEA_DATA", scratch_path("nowhere"), 1);
    assert_survives_allocation_failure(open_set("mnist", "train", NULL, &set, &error), error);
    assert_survives_allocation_failure(fv__dataset_limit(set, 1, &part, &error), error);
    assert_survives_allocation_failure(fv__dataset_digest(part, sum, &error), error);
    assert_survives_allocation_failure(fv__dataset_measure(part, &statistics, &error), error);
    fv__dataset_statistics_free(&statistics);
    fv_dataset_free(part);
    fv_dataset_free(set);
}

static const char debian[] = "/usr/share/datasets/fashion-mnist";

static void test_debian_package(void **state) {
    (void)state;
    fv_dataset *set;
    setenv("XDG_CACHE_HOME", scratch_path("empty"), 1);
    unsetenv("FOVEA_DATA");
    if (!fv__folder_exists(debian)) {
        assert_int_equal(open_set("fashion-mnist", "test", NULL, &set, &error), FV_NOT_FOUND);
        assert_says(error, "apt install dataset-fashion-mnist");
        print_message("dataset-fashion-mnist is not installed\n");
        skip();
    }
    assert_int_equal(open_set("fashion-mnist", "test", NULL, &set, &error), FV_OK);
    assert_int_equal(set->count, 10000);
    assert_string_equal(set->class_names[set->labels[0]], "Ankle boot");
    fv__dataset_statistics statistics;
    assert_int_equal(fv__dataset_measure(set, &statistics, &error), FV_OK);
    for (int label = 0; label < 10; label++) {
        assert_int_equal(statistics.class_counts[label], 1000);
    }
    assert_int_equal(statistics.maximum, 255);
    fv__dataset_statistics_free(&statistics);
    fv_dataset_free(set);
    assert_int_equal(fv__dataset_verify(fv__dataset_info_find("fashion-mnist", NULL), NULL, NULL, &error), FV_OK);
    // The same file names, but another set's clothes.
    assert_int_equal(open_set("mnist", "test", debian, &set, &error), FV_NOT_FOUND);
    assert_says(error, "holds fashion-mnist");
}

// Several threads read a packed set that is being unpacked as they go.
static void *read_all(void *argument) {
    const fv_dataset *set = argument;
    uint8_t pixels[PIXELS];
    size_t failures = 0, sum = 0;
    for (size_t i = 0; i < set->count; i++) {
        failures += fv_dataset_read(set, i * 7919 % set->count, pixels, NULL) != FV_OK;
        sum += pixels[PIXELS / 2];
    }
    return failures ? NULL : (void *)(uintptr_t)(sum + 1);
}

static void test_threads(void **state) {
    (void)state;
    fv_dataset *set;
    if (!fv__folder_exists(debian)) {
        skip();
    }
    assert_int_equal(open_set("fashion-mnist", "test", debian, &set, &error), FV_OK);
    pthread_t threads[4];
    void *sums[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_all, set), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &sums[i]);
        assert_non_null(sums[i]);
        assert_ptr_equal(sums[i], sums[0]);
    }
    fv_dataset_free(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_and_views),
        cmocka_unit_test(test_digest_and_statistics),
        cmocka_unit_test(test_broken_files),
        cmocka_unit_test(test_search_order),
        cmocka_unit_test(test_allocation_failure),
        cmocka_unit_test(test_debian_package),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
