// SPDX-License-Identifier: Apache-2.0
// Archives of photographs: what they unpack to, and what they must not.
#include "datasets.h"
#include "training.h"

#include <archive.h>
#include <archive_entry.h>

#include "data/dataset.h"
#include "data/unpack.h"

typedef struct member {
    const char *name, *link;
    size_t zeros; // of content; 0: a small picture
} member;

static const char *write_archive(const char *name, bool zip, const member *members, int count) {
    const char *path = scratch_path(name);
    uint8_t content[16 + 27] = "P6 3 3 255\n";
    struct archive *out = archive_write_new();
    zip ? archive_write_set_format_zip(out) : archive_write_set_format_pax_restricted(out);
    if (!zip) {
        archive_write_add_filter_gzip(out);
    }
    assert_int_equal(archive_write_open_filename(out, path), ARCHIVE_OK);
    for (int i = 0; i < count; i++) {
        struct archive_entry *entry = archive_entry_new();
        size_t size = members[i].zeros ? members[i].zeros : 11 + 27;
        archive_entry_set_pathname(entry, members[i].name);
        archive_entry_set_perm(entry, 0644);
        archive_entry_set_filetype(entry, members[i].link ? AE_IFLNK : AE_IFREG);
        if (members[i].link) {
            archive_entry_set_symlink(entry, members[i].link);
        } else {
            archive_entry_set_size(entry, (la_int64_t)size);
        }
        assert_true(archive_write_header(out, entry) >= ARCHIVE_WARN);
        uint8_t *zeros = members[i].zeros ? calloc(1, size) : NULL;
        if (!members[i].link) {
            content[20] = (uint8_t)i;
            archive_write_data(out, zeros ? zeros : content, size);
        }
        free(zeros);
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_close(out), ARCHIVE_OK);
    archive_write_free(out);
    return path;
}

static const member good[] = {{"top/train/a/1.ppm", NULL, 0},
                              {"top/train/b/2.ppm", NULL, 0},
                              {"top/val/a/3.ppm", NULL, 0},
                              {"__MACOSX/top/._x", NULL, 0},
                              {"top/train/b/link.ppm", "/etc/passwd", 0}};

static void test_unpacked(void **state) {
    (void)state;
    for (int zip = 0; zip < 2; zip++) {
        const char *path = write_archive(zip ? "good.zip" : "good.tar.gz", zip, good, 5);
        char *folder, *again;
        assert_ok(fv__unpack(path, &folder, &failure));
        assert_ok(fv__unpack(path, &again, &failure));
        assert_string_equal(folder, again);
        fv__free(folder);
        fv__free(again);
        fv_dataset *data;
        assert_ok(fv_dataset_open(path, "train", NULL, &data, &failure));
        assert_int_equal(fv_dataset_get_info(data)->count, 2);
        fv_dataset_free(data);
    }
    // A set known by name, in a folder that holds its archive.
    fv_dataset *data;
    mkdir(scratch_path("holder"), 0777);
    write_archive("holder/cats_and_dogs_filtered.zip", true, good, 5);
    assert_ok(open_set("cats-and-dogs", "train", scratch_path("holder"), &data, &failure));
    assert_string_equal(data->name, "cats-and-dogs");
    assert_int_equal(data->count, 2);
    fv_dataset_free(data);
}

static void test_refused(void **state) {
    (void)state;
    static const member evil[][2] = {{{"a/1.ppm", NULL, 0}, {"../evil.ppm", NULL, 0}},
                                     {{"a/1.ppm", NULL, 0}, {"/tmp/fovea-evil.ppm", NULL, 0}},
                                     {{"a/1.ppm", NULL, 0}, {"a/../../evil.ppm", NULL, 0}},
                                     {{"link", "/tmp", 0}, {"link/../../evil.ppm", NULL, 0}}};
    for (size_t i = 0; i < sizeof evil / sizeof *evil; i++) {
        for (int zip = 0; zip < 2; zip++) {
            char name[32], *folder;
            fv_error error;
            snprintf(name, sizeof name, "evil%zu.%s", i, zip ? "zip" : "tar.gz");
            assert_int_equal(fv__unpack(write_archive(name, zip, evil[i], 2), &folder, &error), FV_FORMAT);
            assert_says(error, "leads out of the folder");
            assert_null(folder);
        }
    }
    // Through a link that is in the archive: it is left out, and the name makes a folder.
    static const member linked[] = {{"link", "/tmp", 0}, {"link/fovea-linked.ppm", NULL, 0}};
    char *folder;
    fv_error error;
    assert_ok(fv__unpack(write_archive("linked.tar.gz", false, linked, 2), &folder, &failure));
    assert_int_not_equal(access("/tmp/fovea-linked.ppm", F_OK), 0);
    fv__free(folder);
    static const member bomb[] = {{"a/1.bmp", NULL, (size_t)100 << 20}};
    assert_int_equal(fv__unpack(write_archive("bomb.tar.gz", false, bomb, 1), &folder, &error), FV_FORMAT);
    assert_says(error, "times the size of the archive");
    assert_int_equal(fv__unpack(scratch_file("text.zip", "no archive at all", 17), &folder, &error), FV_FORMAT);
    assert_says(error, "text.zip");
}

static int open_scratch(void **state) {
    int result = scratch_open(state);
    setenv("XDG_CACHE_HOME", scratch_path("cache"), 1);
    return result;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_unpacked), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, open_scratch, scratch_close);
}
