// SPDX-License-Identifier: Apache-2.0
// Reading weights from HDF5: files written here by the library itself, in the layouts that Keras writes, and broken
// ones. What becomes of the arrays: test_import.c.
#include "scratch.h"

#include "base/memory.h"
#include "formats/file.h"
#include "formats/hdf5.h"

#ifdef FV__WITH_HDF5

#include <hdf5.h>

static fv_error error;

// --- writing

static hid_t group(hid_t parent, const char *name) {
    hid_t made = H5Gcreate2(parent, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(made >= 0);
    return made;
}

// Values 0, 1, 2, … times `scale`; makes the groups in front of the name.
static void array_of(hid_t file, const char *name, hid_t type, int rank, const hsize_t *shape, double scale) {
    double values[64];
    hsize_t count = 1;
    for (int i = 0; i < rank; i++) {
        count *= shape[i];
    }
    assert_true(count <= 64);
    for (hsize_t i = 0; i < count; i++) {
        values[i] = (double)i * scale;
    }
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    hid_t space = H5Screate_simple(rank, shape, NULL);
    hid_t set = H5Dcreate2(file, name, type, space, links, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(set >= 0);
    assert_true(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(links);
}

// A text attribute, as h5py writes one (of any length), or of a fixed length.
static void name_of(hid_t file, const char *folder, const char *text, bool fixed) {
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, fixed ? strlen(text) : H5T_VARIABLE);
    hid_t attribute = H5Acreate_by_name(file, folder, "name", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(attribute >= 0);
    assert_true(H5Awrite(attribute, type, fixed ? (const void *)text : &text) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

static hid_t create(const char *path) {
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

static void write_published(const char *path, const char *top) {
    hid_t file = create(path), root = top[0] ? group(file, top) : file;
    array_of(root, "Conv1/Conv1/kernel:0", H5T_IEEE_F32LE, 4, (hsize_t[]){1, 1, 3, 2}, 1);
    array_of(root, "bn_Conv1/bn_Conv1/gamma:0", H5T_IEEE_F64BE, 1, (hsize_t[]){2}, 0.5);
    array_of(root, "bn_Conv1/bn_Conv1/moving_mean:0", H5T_IEEE_F32LE, 1, (hsize_t[]){2}, 3);
    array_of(root, "head/model/head/kernel:0", H5T_IEEE_F32LE, 1, (hsize_t[]){2}, 4);
    array_of(root, "head/model/head/bias:0", H5T_IEEE_F32LE, 1, (hsize_t[]){2}, 5);
    H5Gclose(group(root, "Conv1_relu"));
    if (top[0]) {
        array_of(file, "optimizer_weights/Adam/Conv1/kernel/m:0", H5T_IEEE_F32LE, 1, (hsize_t[]){2}, 1);
        H5Gclose(root);
    }
    H5Fclose(file);
}

static void write_numbered(const char *path) {
    hid_t file = create(path);
    H5Gclose(group(file, "vars"));
    array_of(file, "layers/conv2d/vars/0", H5T_IEEE_F32LE, 4, (hsize_t[]){1, 1, 3, 2}, 1);
    name_of(file, "layers/conv2d/vars", "Conv1", false);
    array_of(file, "layers/functional/layers/dense/vars/1", H5T_IEEE_F32LE, 1, (hsize_t[]){2}, 7);
    name_of(file, "layers/functional/layers/dense/vars", "head", true);
    H5Gclose(group(file, "layers/functional/vars"));
    name_of(file, "layers/functional/vars", "base", false);
    array_of(file, "_layer_checkpoint_dependencies/dense/vars/0", H5T_IEEE_F32LE, 2, (hsize_t[]){2, 2}, 1);
    array_of(file, "layers/dropout/seed_generator/vars/0", H5T_STD_I64LE, 1, (hsize_t[]){2}, 1);
    array_of(file, "optimizer/vars/0", H5T_IEEE_F32LE, 1, (hsize_t[]){2}, 1);
    H5Fclose(file);
}

// --- reading

static const fv__weight_array *find(const fv__weights *weights, const char *name) {
    for (int i = 0; i < weights->count; i++) {
        if (strcmp(weights->arrays[i].name, name) == 0) {
            return &weights->arrays[i];
        }
    }
    fail_msg("no array %s", name);
    return NULL;
}

static void check_array(const fv__weights *weights, const char *name, const char *other, const char *shape,
                        float second) {
    const fv__weight_array *array = find(weights, name);
    assert_string_equal(fv__weight_shape_print(array).text, shape);
    assert_true(array->values[0] == 0 && array->values[1] == second);
    if (other) {
        assert_string_equal(array->other, other);
    } else {
        assert_null(array->other);
    }
}

static void reads_published_weights(void **state) {
    (void)state;
    static const char *const tops[] = {"", "model_weights"};
    for (int i = 0; i < 2; i++) {
        fv__weights weights;
        write_published(scratch_path("published.h5"), tops[i]);
        assert_int_equal(fv__weights_read(scratch_path("published.h5"), &weights, &error), FV_OK);
        assert_int_equal(weights.count, 5);
        check_array(&weights, "head/kernel", NULL, "(2)", 4);
        check_array(&weights, "head/bias", NULL, "(2)", 5);
        check_array(&weights, "Conv1/kernel", NULL, "(1, 1, 3, 2)", 1);
        check_array(&weights, "bn_Conv1/gamma", NULL, "(2)", 0.5F);
        check_array(&weights, "bn_Conv1/moving_mean", NULL, "(2)", 3);
        fv__weights_free(&weights);
    }
}

static void reads_numbered_weights(void **state) {
    (void)state;
    fv__weights weights;
    write_numbered(scratch_path("keras3.weights.h5"));
    assert_int_equal(fv__weights_read(scratch_path("keras3.weights.h5"), &weights, &error), FV_OK);
    assert_int_equal(weights.count, 3);
    check_array(&weights, "Conv1/0", "conv2d/0", "(1, 1, 3, 2)", 1);
    check_array(&weights, "base/head/1", "functional/dense/1", "(2)", 7);
    check_array(&weights, "dense/0", NULL, "(2, 2)", 1);
    fv__weights_free(&weights);
}

static void survives_allocation_failure(void **state) {
    (void)state;
    fv__weights weights;
    write_numbered(scratch_path("memory.weights.h5"));
    assert_survives_allocation_failure(fv__weights_read(scratch_path("memory.weights.h5"), &weights, &error), error);
    assert_int_equal(weights.count, 3);
    fv__weights_free(&weights);
}

static herr_t count_print(hid_t stack, void *context) {
    (void)stack;
    ++*(int *)context;
    return 0;
}

// Wherever it is cut off, the file is refused, and whoever else uses the library keeps its way of telling failures.
static void refuses_cut_files(void **state) {
    (void)state;
    uint8_t *bytes;
    size_t size;
    int printed = 0, kept = 0;
    write_published(scratch_path("whole.h5"), "");
    assert_int_equal(fv__file_read(scratch_path("whole.h5"), 0, &bytes, &size, &error), FV_OK);
    H5Eset_auto2(H5E_DEFAULT, count_print, &printed);
    for (size_t length = 9; length < size; length += size / 50) {
        fv__weights weights = {0};
        assert_int_equal(fv__hdf5_read(bytes, length, "cut.h5", &weights, &error), FV_FORMAT);
        assert_says(error, "cut.h5: cannot be read");
        fv__weights_free(&weights);
    }
    assert_int_equal(printed, 0);
    H5Fopen(scratch_path("nothing.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    kept = printed;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    assert_true(kept > 0);
    fv__free(bytes);
    scratch_file("text.h5", "no weights here", 15);
    fv__weights weights;
    assert_int_equal(fv__weights_read(scratch_path("text.h5"), &weights, &error), FV_FORMAT);
    assert_says(error, "neither HDF5");
    H5Fclose(create(scratch_path("empty.h5")));
    assert_int_equal(fv__weights_read(scratch_path("empty.h5"), &weights, &error), FV_FORMAT);
    assert_says(error, "holds no weights");
}

// An array that was never written takes no room in the file, whatever it claims.
static void refuses_large_claims(void **state) {
    (void)state;
    hid_t file = create(scratch_path("claim.h5"));
    hid_t space = H5Screate_simple(2, (hsize_t[]){1 << 14, 1 << 14}, NULL);
    H5Dclose(H5Dcreate2(file, "kernel", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
    H5Fclose(file);
    fv__weights weights;
    assert_int_equal(fv__weights_read(scratch_path("claim.h5"), &weights, &error), FV_FORMAT);
    assert_says(error, "kernel is larger than what the file holds");
}

// A group inside itself, and a link to elsewhere.
static void follows_no_circles(void **state) {
    (void)state;
    hid_t file = create(scratch_path("circle.h5"));
    hid_t inside = group(file, "a");
    assert_true(H5Lcreate_hard(inside, ".", inside, "again", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Gclose(inside);
    H5Fclose(file);
    fv__weights weights;
    assert_int_equal(fv__weights_read(scratch_path("circle.h5"), &weights, &error), FV_FORMAT);
    assert_says(error, "too many groups");
    file = create(scratch_path("links.h5"));
    H5Lcreate_external("circle.h5", "/a", file, "elsewhere", H5P_DEFAULT, H5P_DEFAULT);
    array_of(file, "dense/kernel", H5T_IEEE_F32LE, 1, (hsize_t[]){2}, 1);
    H5Fclose(file);
    assert_int_equal(fv__weights_read(scratch_path("links.h5"), &weights, &error), FV_OK);
    assert_int_equal(weights.count, 1);
    fv__weights_free(&weights);
}

// The real thing, where it is.
static void reads_mobilenet(void **state) {
    (void)state;
    fv__weights weights;
    size_t numbers = 0;
    const char *path = FV__SOURCE_DIR "/../shared/weights/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5";
    if (!fv__file_exists(path)) {
        skip();
    }
    assert_int_equal(fv__weights_read(path, &weights, &error), FV_OK);
    for (int i = 0; i < weights.count; i++) {
        numbers += weights.arrays[i].count;
    }
    assert_int_equal(weights.count, 262);
    assert_int_equal(numbers, 3538984);
    assert_string_equal(fv__weight_shape_print(find(&weights, "block_10_depthwise/kernel")).text, "(3, 3, 384, 1)");
    fv__weights_free(&weights);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_published_weights),
        cmocka_unit_test(reads_numbered_weights),
        cmocka_unit_test(survives_allocation_failure),
        cmocka_unit_test(refuses_cut_files),
        cmocka_unit_test(refuses_large_claims),
        cmocka_unit_test(follows_no_circles),
        cmocka_unit_test(reads_mobilenet),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}

#else

int main(void) {
    puts("SKIPPED: fovea was built without libhdf5");
    return 77; // tests/CMakeLists.txt: skipped
}

#endif
