// SPDX-License-Identifier: Apache-2.0
// `fovea data` as its users run it: what it shows, checks and recognizes, and what it says of damaged files.
#include "program.h"

#include "formats/file.h"

static void checks_data(void **state) {
    (void)state;
    assert_code(0, "data list --json");
    assert_has(out, "\"fashion-mnist\"");
    assert_has(out, "data/fashion-mnist");
    assert_code(0, "data show fashion-mnist");
    assert_has(out, "Ankle boot");
    assert_code(0, "data show fashion-mnist --json");
    assert_has(out, "\"samples\": 96");
    assert_code(2, "data show fashion-mnist --augment large.png --set augment=[cutout:\x01"
                   "29]");
    assert_has(err, "cutout.size: 29 pixels are more than the pictures of 28 × 28 have");
    assert_code(2, "data show small.yaml --augment large.png --set augment=[crop:\x01"
                   "40]");
    assert_has(err, "crop.padding: 40 pixels");
#ifdef FV__WITH_CAIRO
    assert_code(0, "data show fashion-mnist --augment one.png --set augment=[flip,cutmix]");
    assert_has(out, "one.png: in each row");
    assert_code(0, "data show small.yaml --augment two.png --set augment=[flip,cutmix]");
    assert_true(same_files("one.png", "two.png"));
    assert_code(0, "data show small.yaml --augment two.png --set augment=[flip,cutmix] --seed 1");
    assert_false(same_files("one.png", "two.png"));
#endif
    assert_code(0, "data check ./data/fashion-mnist"); // complete, if not the published one
    assert_has(out, "not from a published set");
    assert_code(0, "data check fashion-mnist"); // found in FOVEA_DATA, a folder of one's own
    assert_has(out, "96 samples in the train split, not from a published set");
    assert_code(1, "data show mnist");
    assert_has(err, "fovea data get mnist");
    assert_int_equal(fv__make_folders(scratch_path("got/fovea/mnist"), NULL), FV_OK);
    write_idx("got/fovea/mnist/train-images-idx3-ubyte", 3, 20, true);
    write_idx("got/fovea/mnist/train-labels-idx1-ubyte", 1, 20, false);
    write_idx("got/fovea/mnist/t10k-images-idx3-ubyte", 3, 20, true);
    write_idx("got/fovea/mnist/t10k-labels-idx1-ubyte", 1, 20, false);
    setenv("XDG_CACHE_HOME", scratch_path("got"), 1);
    assert_code(1, "data check mnist"); // in the cache there should be nothing else
    assert_has(out, "not the published file");
    setenv("XDG_CACHE_HOME", scratch_path("cache"), 1);
    assert_code(1, "data check ./nowhere");
}

// Folders and archives of sets, by their files.
static void recognizes_sets(void **state) {
    (void)state;
    enum { RECORD = 3073, MOST = 20 };
    static const uint8_t records[MOST * RECORD];
    mkdir(scratch_path("ten"), 0700);
    for (int i = 1; i <= 6; i++) {
        char name[64];
        snprintf(name, sizeof name, i < 6 ? "ten/data_batch_%d.bin" : "ten/test_batch.bin", i);
        scratch_file(name, records, (size_t)(i == 1 ? MOST : 10) * RECORD);
    }
    assert_code(0, "data check ./ten");
    assert_has(out, "60 samples in the train split");
    assert_has(out, "10 samples in the test split");
    scratch_file("ten/cats_and_dogs_filtered.zip", "PK", 2); // of photographs, and no file of this set
    assert_code(0, "data check ./ten");
    assert_int_equal(unlink(scratch_path("ten/cats_and_dogs_filtered.zip")), 0);
    assert_code(0, "data show ./ten");
    assert_has(out, "60 samples in ./ten");
    char packs[512];
    snprintf(packs, sizeof packs,
             "cd %s && tar -czf ../cifar-10-binary.tar.gz --transform s,^,cifar-10-batches-bin/, *",
             scratch_path("ten"));
    assert_int_equal(system(packs), 0);
    assert_code(0, "data check cifar-10-binary.tar.gz");
    assert_has(out, "60 samples in the train split");
    assert_null(strstr(strstr(out, "train split") + 1, "train split")); // the archive once, not each of its files
    assert_code(0, "data show cifar-10-binary.tar.gz");
    assert_has(out, "60 samples in cifar-10-binary.tar.gz");
}

static void names_damage(void **state) {
    (void)state;
    mkdir(scratch_path("broken"), 0700);
    write_idx("broken/train-images-idx3-ubyte", 3, 20, true);
    write_idx("broken/train-labels-idx1-ubyte", 1, 20, false);
    write_idx("broken/t10k-images-idx3-ubyte", 3, 20, true);
    write_idx("broken/t10k-labels-idx1-ubyte", 1, 20, false);
    assert_int_equal(truncate(scratch_path("broken/t10k-images-idx3-ubyte"), 1000), 0);
    assert_code(1, "data check ./broken");
    assert_has(out, "t10k-images-idx3-ubyte");
    assert_has(out, "truncated");
    assert_code(1, "eval trained --path broken");
    assert_has(err, "truncated");
    assert_code(0, "eval trained --path broken --split train");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(checks_data), cmocka_unit_test(recognizes_sets),
                                       cmocka_unit_test(names_damage)};
    return cmocka_run_group_tests(tests, open_world, scratch_close);
}
