// SPDX-License-Identifier: Apache-2.0
#include "formats/hdf5.h"

#ifdef FV__WITH_HDF5

#include <hdf5.h>
#include <pthread.h>
#include <string.h>

#include "base/memory.h"

// A file comes from anywhere. Groups may hold each other, and a small file may claim large arrays.
enum {
    MOST_DEPTH = 32,       // groups inside each other
    MOST_LINKS = 1 << 15,  // followed in all
    MOST_NAME = 512,       // bytes of a name
    MOST_PACKED = 1100,    // bytes that one of deflate can stand for
    MOST_VALUES = 1 << 30, // of one array
};

typedef struct walk {
    const char *path; // of the file, for messages
    size_t size;      // of the file
    fv__weights *out;
    fv_error *error;
    fv_status status;
    int depth, links;
    bool numbered;                          // in the layout of Keras 3
    char name[MOST_NAME], other[MOST_NAME]; // of the group in hand
    char message[MOST_NAME];                // of the library
} walk;

// What the library says of its innermost failure.
static herr_t take_message(unsigned number, const H5E_error2_t *failure, void *context) {
    walk *now = context;
    if (number == 0 && failure->desc) {
        snprintf(now->message, sizeof now->message, "%s", failure->desc);
    }
    return 0;
}

static herr_t fail_read(walk *now, const char *name) {
    if (!now->status) {
        now->message[0] = 0;
        H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_message, now);
        now->status = fv__fail(now->error, FV_FORMAT, "%s: %s%scannot be read, the file is damaged or cut off%s%s",
                               now->path, name, name[0] ? ": " : "", now->message[0] ? ": " : "", now->message);
    }
    return -1;
}

static herr_t fail_size(walk *now, const char *name, const char *what) {
    now->status = fv__fail(now->error, FV_FORMAT, "%s: %s %s", now->path, name, what);
    return -1;
}

// --- Names

// Appends the name of a group or array. Weights that have names are called after their layers once more, and perhaps
// after the model: "dense" holds "sequential/dense/kernel:0", which is "dense/kernel".
static bool append(const walk *now, char path[MOST_NAME], const char *name) {
    size_t used = strlen(path), length = strlen(name);
    if (length > 2 && strcmp(name + length - 2, ":0") == 0) { // the number of an output of TensorFlow's graph
        length -= 2;
    }
    for (size_t begin = 0; begin < used && !now->numbered;) {
        size_t part = strcspn(path + begin, "/");
        if (part == length && strncmp(path + begin, name, length) == 0) {
            path[begin + part] = 0;
            return true;
        }
        begin += part + 1;
    }
    return snprintf(path + used, MOST_NAME - used, "%s%.*s", used ? "/" : "", (int)length, name) <
           (int)(MOST_NAME - used);
}

// The name of a layer, which Keras 3 keeps at its group `vars`. Empty where there is none.
static void read_layer_name(hid_t group, char name[MOST_NAME]) {
    name[0] = 0;
    if (H5Lexists(group, "vars", H5P_DEFAULT) <= 0 || H5Aexists_by_name(group, "vars", "name", H5P_DEFAULT) <= 0) {
        return;
    }
    hid_t attribute = H5Aopen_by_name(group, "vars", "name", H5P_DEFAULT, H5P_DEFAULT);
    hid_t type = attribute >= 0 ? H5Aget_type(attribute) : -1;
    hid_t space = attribute >= 0 ? H5Aget_space(attribute) : -1;
    if (type >= 0 && space >= 0 && H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1) {
        if (H5Tis_variable_str(type) > 0) {
            char *text = NULL;
            if (H5Aread(attribute, type, &text) >= 0 && text) {
                snprintf(name, MOST_NAME, "%s", text);
            }
            H5free_memory(text);
        } else if (H5Tget_size(type) < MOST_NAME && H5Aread(attribute, type, name) >= 0) {
            name[H5Tget_size(type)] = 0;
        } else {
            name[0] = 0;
        }
    }
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
}

// --- Arrays

static bool is_elsewhere(hid_t dataset) {
    hid_t made = H5Dget_create_plist(dataset);
    bool elsewhere = H5Pget_external_count(made) > 0 || H5Pget_layout(made) == H5D_VIRTUAL;
    H5Pclose(made);
    return elsewhere;
}

static herr_t measure(walk *now, hid_t dataset, const char *name, int *rank, int64_t shape[FV__TENSOR_RANK],
                      size_t *count) {
    hsize_t sizes[FV__TENSOR_RANK];
    hid_t space = H5Dget_space(dataset);
    hid_t type = H5Dget_type(dataset);
    size_t bytes = H5Tget_size(type);
    *rank = H5Sget_simple_extent_ndims(space);
    bool fits = *rank >= 0 && *rank <= FV__TENSOR_RANK && H5Sget_simple_extent_dims(space, sizes, NULL) >= 0;
    H5Tclose(type);
    H5Sclose(space);
    if (is_elsewhere(dataset)) {
        return fail_size(now, name, "has its values in another file");
    }
    if (!fits) {
        return fail_size(now, name, "has no shape that can be read");
    }
    *count = 1;
    for (int axis = 0; axis < *rank; axis++) {
        if (sizes[axis] > MOST_VALUES || __builtin_mul_overflow(*count, (size_t)sizes[axis], count) ||
            *count > MOST_VALUES) {
            return fail_size(now, name, "is larger than any weight");
        }
        shape[axis] = (int64_t)sizes[axis];
    }
    hsize_t stored = H5Dget_storage_size(dataset); // packed, perhaps
    if (stored > now->size || *count > stored * MOST_PACKED / (bytes ? bytes : 1)) {
        return fail_size(now, name, "is larger than what the file holds: the file is damaged or cut off");
    }
    return 0;
}

static herr_t read_array(walk *now, hid_t dataset, const char *name, const char *other) {
    int rank;
    int64_t shape[FV__TENSOR_RANK];
    size_t count;
    if (measure(now, dataset, name, &rank, shape, &count) < 0) {
        return -1;
    }
    fv__weight_array *array = fv__weights_add(now->out, name, rank, shape, count);
    if (array && strcmp(name, other) != 0) {
        array->other = fv__strdup(other);
    }
    if (!array || (strcmp(name, other) != 0 && !array->other)) {
        now->status = fv__fail_memory(now->error, now->path);
        return -1;
    }
    if (count > 0 && H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, array->values) < 0) {
        return fail_read(now, name);
    }
    return 0;
}

static bool is_float(hid_t dataset) {
    hid_t type = H5Dget_type(dataset);
    bool answer = H5Tget_class(type) == H5T_FLOAT;
    H5Tclose(type);
    return answer;
}

// --- Groups

static herr_t walk_group(walk *now, hid_t group);

// Whether a group at the top holds no weights of the model, or is no part of a name.
static bool is_optimizer(const walk *now, const char *link) {
    return now->depth == 1 && (strcmp(link, "optimizer") == 0 || strcmp(link, "optimizer_weights") == 0);
}

static bool is_frame(const walk *now, const char *link) {
    return (now->depth == 1 && strcmp(link, "model_weights") == 0) ||
           (now->numbered && (strcmp(link, "layers") == 0 || strcmp(link, "vars") == 0 ||
                              strcmp(link, "_layer_checkpoint_dependencies") == 0));
}

static herr_t enter(walk *now, hid_t object, const char *link, bool frame) {
    char name[MOST_NAME];
    H5I_type_t kind = H5Iget_type(object);
    if (kind == H5I_GROUP) {
        read_layer_name(object, name);
    } else {
        name[0] = 0;
    }
    if (!frame && (!append(now, now->name, name[0] ? name : link) || !append(now, now->other, link))) {
        return fail_size(now, link, "has too long a name");
    }
    if (kind == H5I_GROUP) {
        return walk_group(now, object);
    }
    return kind == H5I_DATASET && is_float(object) ? read_array(now, object, now->name, now->other) : 0;
}

static herr_t follow(hid_t group, const char *link, const H5L_info_t *about, void *context) {
    walk *now = context;
    char name[MOST_NAME], other[MOST_NAME];                        // to come back to
    if (about->type != H5L_TYPE_HARD || is_optimizer(now, link)) { // a link may lead to any other file
        return 0;
    }
    if (++now->links > MOST_LINKS) {
        return fail_size(now, link, "is one of too many groups and arrays");
    }
    hid_t object = H5Oopen(group, link, H5P_DEFAULT);
    if (object < 0) {
        return fail_read(now, link);
    }
    memcpy(name, now->name, sizeof name);
    memcpy(other, now->other, sizeof other);
    herr_t result = enter(now, object, link, is_frame(now, link));
    memcpy(now->name, name, sizeof name);
    memcpy(now->other, other, sizeof other);
    H5Oclose(object);
    return result;
}

static herr_t walk_group(walk *now, hid_t group) {
    bool outside = now->numbered;
    if (now->depth == MOST_DEPTH) {
        return fail_size(now, now->name, "has too many groups inside each other");
    }
    now->depth++;
    now->numbered = outside || H5Lexists(group, "vars", H5P_DEFAULT) > 0;
    herr_t result = H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, follow, now);
    if (result < 0) {
        fail_read(now, now->name);
    }
    now->numbered = outside;
    now->depth--;
    return result;
}

// The file is given to the library as bytes in memory, under a name that no file can have: it opens none of its own.
static hid_t open_image(walk *now, const void *bytes) {
    enum { GROWTH = 1 << 16 };
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    hid_t file = -1;
    if (access >= 0 && H5Pset_fapl_core(access, GROWTH, false) >= 0 &&
        H5Pset_file_image(access, (void *)bytes, now->size) >= 0) { // it is copied
        file = H5Fopen("/dev/null/weights", H5F_ACC_RDONLY, access);
    }
    if (file < 0) {
        fail_read(now, "");
    }
    H5Pclose(access);
    return file;
}

// The library may be built without locks of its own, and prints its failures unless told otherwise.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

fv_status fv__hdf5_read(const void *bytes, size_t size, const char *path, fv__weights *out, fv_error *error) {
    walk now = {.path = path, .size = size, .out = out, .error = error};
    H5E_auto2_t printer;
    void *printer_data;
    pthread_mutex_lock(&lock);
    H5Eget_auto2(H5E_DEFAULT, &printer, &printer_data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t file = open_image(&now, bytes);
    hid_t root = file >= 0 ? H5Gopen2(file, "/", H5P_DEFAULT) : -1;
    if (root < 0 || walk_group(&now, root) < 0) {
        fail_read(&now, "");
    }
    H5Gclose(root);
    H5Fclose(file);
    H5Eset_auto2(H5E_DEFAULT, printer, printer_data); // the host's own
    pthread_mutex_unlock(&lock);
    return now.status;
}

#else

fv_status fv__hdf5_read(const void *bytes, size_t size, const char *path, fv__weights *out, fv_error *error) {
    (void)bytes;
    (void)size;
    (void)out;
    return fv__fail(error, FV_UNSUPPORTED, "%s: this fovea was built without libhdf5; convert the file to safetensors",
                    path);
}

#endif
