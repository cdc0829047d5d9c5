// SPDX-License-Identifier: Apache-2.0
// fovea: train, explain and ship attention-based image classifiers. This is the only public header, and the manual of
// the C API. Read it from top to bottom in a quarter of an hour.
//
//     #include <fovea.h>
//     #include <stdio.h>
//
//     int main(void) {
//         fv_error error;
//         fv_recipe *recipe = NULL;
//         fv_model *model = NULL;
//         if (fv_recipe_open("fashion-attention", &recipe, &error) == FV_OK &&
//             fv_recipe_set(recipe, "train.epochs=1", &error) == FV_OK &&
//             fv_recipe_train(recipe, NULL, &model, &error) == FV_OK &&
//             fv_model_save(model, "model.safetensors", &error) == FV_OK) {
//             printf("trained %zu weights\n", fv_model_get_info(model)->parameters);
//         } else {
//             fprintf(stderr, "%s\n", error.message);
//         }
//         fv_model_free(model);
//         fv_recipe_free(recipe);
//     }
//
// Arrays. Images and activations are NHWC: (batch, height, width, channels). Images are bytes, 0 … 255; everything else
// is float32. Convolution kernels are (height, width, in, out), dense kernels (in, out).
//
// Errors. A function that can fail returns an fv_status. If `error` is not NULL, it gets one sentence that names the
// file, key, layer or shape at fault and says what would work. Every such function may return FV_MEMORY; the other
// errors to expect are listed with the function. The library never prints and never exits.
//
// Ownership. A type has one way in (create, open or load) and one way out (free; NULL is fine). Strings and arrays that
// a function returns belong to the object and live as long as it does, unless the function says otherwise. What it says
// to release with fv_free belongs to the caller.
//
// Structs. A struct that you fill and that may gain members in a later version begins with `size`: set it to the size of
// the struct (`fv_train_options options = {.size = sizeof options};`). Zero in any other member means the default, and
// so does NULL for the whole struct. Structs that the library hands out by pointer may gain members at their end: read
// them through the pointer. All other structs are final.
//
// Words, not enums. Where a recipe has words for a choice ("train", "bilinear", "unit"), the API takes the same words: one
// vocabulary, messages that list it, and new words without a new ABI.
//
// Threads. Two threads may use two objects at the same time. Functions that take a const object may run at the same time
// on the same object; a function that takes an object without const needs it to itself. So any number of predictors,
// evaluations and explainers may share one model, one for each thread, while nobody changes the model. Callbacks come on the
// thread that made the call. fv_set_allocator comes before everything else.
//
// Locale and working folder. Results never depend on the locale. Relative paths start at the working folder of the call.
//
// Versions. Until 1.0 the minor version counts: 0.2.x programs run with every 0.2.x library, and the shared library's
// name (SOVERSION) holds major and minor. From 1.0 on, the major version alone. A function about to go is marked
// FV_DEPRECATED for one minor version first. Model files of earlier versions (from 0.1 on) load forever; a file of a
// later version is refused with a sentence. Checkpoints and caches are for the version that wrote them.
#ifndef FOVEA_H
#define FOVEA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#define FV_DEPRECATED(instead) __attribute__((deprecated("use " instead)))
#else
#define FV_DEPRECATED(instead)
#endif

// --- Version, errors, memory, events

#define FV_VERSION_MAJOR 0
#define FV_VERSION_MINOR 2
#define FV_VERSION_PATCH 0
#define FV_VERSION_NUMBER (FV_VERSION_MAJOR * 1000000 + FV_VERSION_MINOR * 1000 + FV_VERSION_PATCH)

// The version of the library that is linked, to compare with the header's: FV_VERSION_NUMBER, and "0.2.0".
int fv_version_number(void);
const char *fv_version(void);

// name, what it means
#define FV_STATUS_LIST(X)                                                                                              \
    X(OK, "ok")                                                                                                        \
    X(INVALID, "invalid argument or setting")                                                                          \
    X(NOT_FOUND, "not found")                                                                                          \
    X(FORMAT, "malformed file")                                                                                        \
    X(IO, "input/output failed")                                                                                       \
    X(MEMORY, "out of memory")                                                                                         \
    X(NUMERIC, "a number is not finite")                                                                               \
    X(UNSUPPORTED, "not supported by this build or machine")                                                           \
    X(INTERRUPTED, "stopped on request")

typedef enum fv_status {
#define X(name, text) FV_##name,
    FV_STATUS_LIST(X)
#undef X
} fv_status;

// What `status` means, in a few words; static storage.
const char *fv_status_name(fv_status status);

// Where a failing function leaves its sentence. Needs no initialization.
typedef struct fv_error {
    fv_status status;
    char message[1024];
} fv_error;

// Where the library gets its own memory. Alignment beyond malloc's is the library's own concern. Memory that the
// libraries underneath allocate (libyaml, jansson, libarchive, libhdf5, cairo and so on) still comes from malloc.
typedef struct fv_allocator {
    void *(*allocate)(void *context, size_t size); // NULL when there is no memory
    void (*release)(void *context, void *block);   // never of NULL
    void *context;
} fv_allocator;

// Replaces malloc and free; NULL restores them. Call it before any other function: a block must be released by the
// allocator that made it. Both functions may be called from any thread.
void fv_set_allocator(const fv_allocator *allocator);

// Releases memory that a function handed over with this remark. NULL is fine.
void fv_free(void *block);

enum { FV_MAX_TOP = 4 }; // top-k accuracies counted beside accuracy

typedef struct fv_model fv_model;
typedef struct fv_dataset fv_dataset;
typedef struct fv_progress fv_progress;
typedef struct fv_metrics fv_metrics;

// What a call that takes long has to say. Members that do not belong to the kind are zero.
typedef enum fv_event_kind {
    FV_EVENT_REMARK,   // `message` is worth knowing, such as a cache that cannot be written
    FV_EVENT_LEFT_OUT, // `message` is "FILE: why it is not used"; `index` is its number, where inputs are numbered
    FV_EVENT_WORK,     // `done` of `count` units of `message` are finished; with `frozen layers`, done 0 means that
                       // another process is computing the same
    FV_EVENT_START,    // training is about to take its first step on `training`, validated on `validation` or NULL
    FV_EVENT_STEP,     // a training step is finished: `progress`
    FV_EVENT_EPOCH,    // a training epoch and its validation are finished: `progress`
    FV_EVENT_TEST      // the trained model was evaluated on the test set: `metrics`
} fv_event_kind;

typedef struct fv_event {
    fv_event_kind kind;
    const char *message;
    size_t index, done, count; // count 0: not known yet
    size_t computed;           // of those done, what was not in a cache; it took `seconds`
    double seconds;
    const fv_model *model;
    const fv_dataset *training, *validation;
    const fv_progress *progress;
    const fv_metrics *metrics;
} fv_event;

// Called on the thread that made the call; the event lives until it returns. Return false to stop the call with
// FV_INTERRUPTED.
typedef bool fv_event_callback(void *context, const fv_event *event);

// What tells which library ran where.
typedef struct fv_library {
    const char *name, *version; // version: NULL where the build leaves it out, "" where the library does not say
} fv_library;

typedef struct fv_build_info {
    size_t size;
    const char *processor;
    int threads;                      // as many as affinity, control group and OMP_NUM_THREADS allow
    const char *isa;                  // instruction-set level of the kernels in use; FOVEA_ISA chooses
    const char *const *isa_available; // ends with NULL
    const char *compiler;
    const fv_library *libraries; // (library_count)
    int library_count;
} fv_build_info;

// Errors: FV_UNSUPPORTED (FOVEA_ISA names a level that this machine does not have).
fv_status fv_build_get_info(fv_build_info *out, fv_error *error);

// --- Data sets

// A data set (fv_dataset): numbered samples of one size, each with a label. Immutable; several threads may read it at
// once.

typedef struct fv_dataset_options {
    size_t size;
    const char *path;            // of a known set's files; NULL: searched in FOVEA_DATA, the cache, and where Debian's
                                 // packages put them
    int height, width, channels; // of a sample of photographs, sides 1 … 4096: 0: 224, 224, 3; channels may also be 1
    const char *resize;          // of photographs: "bilinear" (NULL), "antialias" or "crop"
    bool strict;                 // of photographs: an unreadable file is an error; else it is left out
    bool undivided;              // photographs that are not divided into parts are their own "test" split
    size_t limit;                // only the first samples; 0: all
    int threads;                 // for the first look at all photographs; 0: as many as allowed
} fv_dataset_options;

// Opens a split, "train" or "test", of a data set known by name (fv_dataset_get_known; "cifar100-coarse" is CIFAR-100 with
// its 20 groups of classes), or of the files at a path: a folder or archive of a known set, or photographs. Photographs
// are a folder with one folder per class (DIR/CLASS/…), or with parts (DIR/train/CLASS/… and validation, val or test),
// or a zip or tar file of one, which is unpacked into the cache once. "train" is all of them where there are no parts;
// "validation" and "test" are the one there is where only one is there. Errors: FV_NOT_FOUND lists the known names, or the
// places searched and how to get the data; FV_FORMAT names the damaged file, or says how folders should be laid out;
// FV_INVALID (split, size or `resize`). Release with fv_dataset_free.
fv_status fv_dataset_open(const char *name, const char *split, const fv_dataset_options *options, fv_dataset **out,
                          fv_error *error);
void fv_dataset_free(fv_dataset *dataset); // NULL is fine

typedef struct fv_dataset_info {
    size_t count;                // samples
    int height, width, channels; // of each, in pixels
    int classes;
    const char *const *class_names; // (classes)
    const int32_t *labels;          // (count), 0 … classes-1
    size_t left_out;                // files that cannot be read
    const char *name, *split;       // "mnist", "train"
    const char *folder;             // where the files were found
    const char *resize;             // of photographs: how they got their size; else NULL
} fv_dataset_info;
const fv_dataset_info *fv_dataset_get_info(const fv_dataset *dataset);

// Copies the bytes of sample `index` to `pixels` (height, width, channels), 0 … 255. Errors: FV_INVALID when there is
// no such sample; of photographs FV_NOT_FOUND, FV_IO and FV_FORMAT when the file has changed since the set was opened.
fv_status fv_dataset_read(const fv_dataset *dataset, size_t index, uint8_t *pixels, fv_error *error);

// "FILE: what is wrong with it" for file `index` of those left out; as long as the data set. NULL past the last.
const char *fv_dataset_left_out(const fv_dataset *dataset, size_t index);

// Over all pixels of all samples.
typedef struct fv_dataset_statistics {
    const size_t *class_counts; // (classes)
    int minimum, maximum;
    double mean[4], deviation[4]; // of each channel, 0 … 255; population standard deviation
} fv_dataset_statistics;

// Reads every sample. Errors: those of fv_dataset_read. Release with fv_dataset_statistics_free.
fv_status fv_dataset_measure(const fv_dataset *dataset, fv_dataset_statistics **out, fv_error *error);
void fv_dataset_statistics_free(fv_dataset_statistics *statistics); // NULL is fine

// Data sets known by name.
typedef struct fv_known_dataset {
    size_t size;
    const char *name;    // "fashion-mnist"
    const char *title;   // "Fashion-MNIST: 28×28 grey pictures of clothes"
    const char *source;  // who made it, and where to read about it
    const char *package; // Debian package with the files, or NULL
    bool photos;
    int classes;
} fv_known_dataset;
bool fv_dataset_get_known(size_t index, fv_known_dataset *out); // false past the last

// Whether `name`, as fv_dataset_open takes it, is the path of files, not the name of a known set.
bool fv_dataset_is_path(const char *name);

// Where all files of a known set are; `path` NULL: searched. Errors: FV_NOT_FOUND lists the places and the commands that
// help. Release *folder with fv_free.
fv_status fv_dataset_locate(const char *name, const char *path, char **folder, fv_error *error);

// Compares the files of a known set in a folder with the published sums. Where none is published, *file is the path of
// its first file (release with fv_free) and `sha256` its sum; else NULL and "". Errors: FV_FORMAT gives both sums.
fv_status fv_dataset_verify(const char *name, const char *folder, char **file, char sha256[65], fv_error *error);

typedef struct fv_download_options {
    size_t size;
    const char *folder;          // to put the files in; NULL: the cache
    const char *sha256;          // fv_download: 64 hexadecimal digits the file must have; NULL: not checked
    fv_event_callback *on_event; // FV_EVENT_WORK: bytes of the address `message`
    void *context;
} fv_download_options;

// Downloads what is missing of a known set, checking every file, and says where it is now. A stopped download continues
// where it was. Errors: FV_NOT_FOUND, FV_IO, FV_FORMAT (another sum), FV_UNSUPPORTED (a build without downloads),
// FV_INTERRUPTED. Release *folder with fv_free.
fv_status fv_dataset_download(const char *name, const fv_download_options *options, char **folder, fv_error *error);

// The same for one file at any address; *already: it was there. Errors: also FV_INVALID (an address that does not end
// with the name of a file, or a sum of another form). Release *path with fv_free.
fv_status fv_download(const char *url, const fv_download_options *options, char **path, char sha256[65], bool *already,
                      fv_error *error);

// The image files in a folder and those below it, by path: those with the ending or the first bytes of a kind that can be
// read. Release with fv_images_free.
typedef struct fv_image_list {
    const char **paths; // (count)
    size_t count;
} fv_image_list;
fv_status fv_images_find(const char *folder, fv_image_list **out, fv_error *error);
void fv_images_free(fv_image_list *list); // NULL is fine
bool fv_image_is_named(const char *path); // whether it has the ending of such a file

// A check of every file of a data set.
typedef struct fv_check fv_check;

typedef struct fv_finding {
    const char *file, *detail; // a file (or class), and what is the matter with it, or the file it is compared with
    bool good;                 // no fault
} fv_finding;

typedef struct fv_check_list {
    const char *key, *title; // "unreadable", "Cannot be read, and will be left out"
    bool faulty;             // what it lists can be a fault
    const fv_finding *findings;
    int count;
} fv_check_list;

typedef struct fv_check_part {
    const char *name;           // "train", or as its folder is called
    size_t samples;             // readable
    const size_t *class_counts; // (classes)
} fv_check_part;

typedef struct fv_check_info {
    const char *name; // of the known set, or "folder"
    bool photos, ok;
    bool published;     // of a known set: all files are as published
    const char *folder; // of photographs, as the rest
    int classes;
    const char *const *class_names; // (classes)
    const fv_check_part *parts;     // (part_count)
    int part_count;
    int least_width, most_width, least_height, most_height; // in pixels
    size_t unreadable;
    size_t not_compared;        // so many images that they were not compared for those that are nearly the same; else 0
    const fv_check_list *lists; // (list_count)
    int list_count;
} fv_check_info;

typedef struct fv_check_options {
    size_t size;
    const char *path; // of a known set's files; NULL: searched
    bool brief;       // of photographs: only count and measure
    int threads;      // 0: as many as allowed
} fv_check_options;

// Opens every file and says what is wrong with each. `name` as for fv_dataset_open. A fault of the data is a finding, not
// an error. Errors: FV_NOT_FOUND, and FV_FORMAT (no layout of photographs). Release with fv_check_free.
fv_status fv_dataset_check(const char *name, const fv_check_options *options, fv_check **out, fv_error *error);
void fv_check_free(fv_check *check); // NULL is fine
const fv_check_info *fv_check_get_info(const fv_check *check);

// What the cache ($XDG_CACHE_HOME/fovea or ~/.cache/fovea) holds: downloads, unpacked archives, published weights, and
// the output of frozen layers.
typedef struct fv_cache fv_cache;

typedef struct fv_cache_entry {
    const char *name; // "mnist", "features"
    uint64_t bytes;
    size_t files;
} fv_cache_entry;

typedef struct fv_cache_info {
    const char *path;
    const fv_cache_entry *entries; // (count), by name
    int count;
} fv_cache_info;

// Release with fv_cache_free.
fv_status fv_cache_open(fv_cache **out, fv_error *error);
void fv_cache_free(fv_cache *cache); // NULL is fine
const fv_cache_info *fv_cache_get_info(const fv_cache *cache);

// Removes an entry. A process that reads a file of it keeps what it has open. Errors: FV_NOT_FOUND, FV_IO.
fv_status fv_cache_remove(const char *name, fv_error *error);

// --- Recipes

// One experiment as YAML: data, input, model, training. The keys are listed by `fovea help recipe`.
typedef struct fv_recipe fv_recipe;

// Opens a recipe by path (it contains a slash or ends in .yaml) or a built-in one by name ("fashion-attention").
// Errors: FV_NOT_FOUND lists the built-in names; FV_FORMAT names the line that is no YAML; FV_INVALID names file, line,
// key and the nearest valid key. Release with fv_recipe_free.
fv_status fv_recipe_open(const char *name, fv_recipe **out, fv_error *error);

// The same from text in memory; `source` stands for the file name in messages.
fv_status fv_recipe_parse(const char *text, size_t size, const char *source, fv_recipe **out, fv_error *error);

// Overrides one key: "train.epochs=2". The recipe is checked as a whole; on failure (FV_INVALID) it is as before.
fv_status fv_recipe_set(fv_recipe *recipe, const char *assignment, fv_error *error);

// The same of several keys, in order, checked only when all are set: for those that need each other.
fv_status fv_recipe_set_all(fv_recipe *recipe, const char *const *assignments, int count, fv_error *error);

void fv_recipe_free(fv_recipe *recipe); // NULL is fine

typedef struct fv_recipe_info {
    const char *name;          // "mnist-mha": the built-in recipe's, or the file's without folder and .yaml
    const char *source;        // the path, or the built-in recipe's name
    const char *data_set;      // "mnist", or "folder"
    const char *data_path;     // NULL: searched
    size_t data_limit;         // samples; 0: all
    bool photos;               // the samples are image files
    bool validates;            // a part of the data is kept for validation
    bool validates_on_test;    // and that part is the whole test split
    int augmentations;         // how many
    const char *weights;       // trained weights that the model starts from; NULL: none
    const char *weights_layer; // the layer they are for; NULL: all layers, so that the model needs no training
    int batch, epochs, patience;
    bool keep_best;
    int top_k[FV_MAX_TOP];
    double label_smoothing;
} fv_recipe_info;

// Up to date until the recipe is changed.
const fv_recipe_info *fv_recipe_get_info(const fv_recipe *recipe);

// Opens a split of the recipe's data, "train" or "test", in the size of its input. Photographs without a test folder
// have as "test" what training validates on. `model` (NULL: none) is the model it is for: see fv_model_open_dataset.
// Errors: FV_NOT_FOUND (there is no such split, or the data are not there), and those of fv_dataset_open. Release with
// fv_dataset_free.
fv_status fv_recipe_open_dataset(const fv_recipe *recipe, const char *split, const fv_model *model, fv_dataset **out,
                                 fv_error *error);

// The recipe with every key, as YAML: the same text for the same experiment. Release with fv_free.
fv_status fv_recipe_resolve(const fv_recipe *recipe, char **yaml, fv_error *error);

// The recipes that come with fovea; NULL after the last.
typedef struct fv_builtin_recipe {
    const char *name, *title, *text; // "mnist-mha", its first comment line, and the YAML
} fv_builtin_recipe;
const fv_builtin_recipe *fv_recipe_get_builtin(size_t index);

// The reference of all sections, layers, augmentations, optimizers, schedules and losses with their options, as
// Markdown. Release with fv_free.
fv_status fv_recipe_describe_keys(char **markdown, fv_error *error);

// --- Models

// A model (fv_model): layers with weights, class names and preprocessing. All that prediction needs.

// A model to which layers are added in code. Images are (height, width, channels) bytes, sides 1 … 4096, channels 1 …
// 4; `normalize` is "unit" (x / 255), "symmetric" (x / 127.5 - 1) or "none". Errors: FV_INVALID. Release with
// fv_model_free.
fv_status fv_model_create(int height, int width, int channels, const char *normalize, fv_model **out, fv_error *error);

// Adds a layer written as in a recipe: fv_model_add(model, &error, "dense: {units: %d, activation: relu}", units).
// Shapes are checked at once: FV_INVALID names the layer and the shapes that do not fit, FV_FORMAT says what is no
// YAML, and the model is as before.
fv_status fv_model_add(fv_model *model, fv_error *error, const char *layer, ...) __attribute__((format(printf, 3, 4)));

// The model of a recipe before training: weights drawn from `seed`, and those that `weights:` names (for a recipe that
// normalizes by its data set, opens it). Errors: FV_INVALID, FV_NOT_FOUND and FV_FORMAT (weights, data), FV_UNSUPPORTED
// (weights that this build cannot read). Release with fv_model_free.
fv_status fv_model_create_from_recipe(const fv_recipe *recipe, uint64_t seed, fv_model **out, fv_error *error);

// The recipe's layers with drawn weights alone, to look at or to import into: neither `weights:` nor data are opened, so
// a normalization by the data set is not settled.
fv_status fv_model_create_bare(const fv_recipe *recipe, uint64_t seed, fv_model **out, fv_error *error);

// Reads a model file, or the model.safetensors of a run folder. Errors: FV_NOT_FOUND, FV_FORMAT (says what is missing).
// Release with fv_model_free.
fv_status fv_model_load(const char *path, fv_model **out, fv_error *error);

// Writes weights, layers, classes and preprocessing to a safetensors file: complete, or not at all. Errors: FV_IO.
fv_status fv_model_save(const fv_model *model, const char *path, fv_error *error);

// The same from and to a model file's bytes in memory; `name` stands for the path in messages. Release *bytes with fv_free.
fv_status fv_model_load_memory(const void *bytes, size_t size, const char *name, fv_model **out, fv_error *error);
fv_status fv_model_save_memory(const fv_model *model, void **bytes, size_t *size, fv_error *error);

void fv_model_free(fv_model *model); // NULL is fine

// The recipe that the model was trained with and carries in its file; *out is NULL where it has none, as a model made in
// code. Release with fv_recipe_free. The second stores one (NULL: none) with the model.
fv_status fv_model_get_recipe(const fv_model *model, fv_recipe **out, fv_error *error);
fv_status fv_model_set_recipe(fv_model *model, const fv_recipe *recipe, fv_error *error);

// Opens other data for a model, as fv_dataset_open but in the size of its input. Photographs that are not divided into
// parts are one whole, and their classes are matched with the model's by name: they may be fewer, and in another order.
// Errors: also FV_INVALID (images of another shape, other classes). Release with fv_dataset_free.
fv_status fv_model_open_dataset(const fv_model *model, const char *name, const char *split,
                                const fv_dataset_options *options, fv_dataset **out, fv_error *error);

// Takes the names of the classes from a text file, one per line. Errors: FV_FORMAT unless there are as many as classes.
fv_status fv_model_read_classes(fv_model *model, const char *path, fv_error *error);

// One weight of the model, numbered 0 … count-1 in the order of the layers.
typedef struct fv_weight_info {
    size_t size;
    const char *name;   // "dense_1/kernel"
    int rank, shape[4]; //
    size_t count;       // values
    bool trainable;
} fv_weight_info;
size_t fv_model_get_weight_count(const fv_model *model);
fv_status fv_model_get_weight(const fv_model *model, size_t index, fv_weight_info *out, fv_error *error);

// Copies the `count` values of a weight, row-major. Errors: FV_NOT_FOUND (names the nearest), FV_INVALID (another count),
// and when writing FV_NUMERIC (a value that is not finite).
fv_status fv_model_read_weight(const fv_model *model, const char *name, float *values, size_t count, fv_error *error);
fv_status fv_model_write_weight(fv_model *model, const char *name, const float *values, size_t count, fv_error *error);

typedef struct fv_model_info {
    int height, width, channels; // of an image
    int classes;
    const char *const *class_names; // (classes); as long as the model
    size_t parameters, trainable;   // weights
    double multiply_adds;           // of one prediction
    double label_smoothing;         // of the loss it was trained with
} fv_model_info;

// Up to date until the model is changed.
const fv_model_info *fv_model_get_info(const fv_model *model);

// --- Weights of others

// A file of trained weights: arrays by name. `from` is a path (safetensors; Keras's .h5 or .weights.h5) or a name that
// fv_pretrained_get lists. Errors: FV_NOT_FOUND, FV_FORMAT (names the array), FV_UNSUPPORTED (HDF5 in a build without
// it). Release with fv_weights_free.
typedef struct fv_weights fv_weights;

typedef struct fv_weight_array {
    const char *name;       // "Conv1/kernel"; "Conv1/0" where the file has no name for it
    const char *other_name; // the same by the file's own folders, or NULL
    int rank;               // up to 8
    int64_t shape[8];
    size_t count;
    const float *values; // (count), row-major
    bool finite;         // all values are
} fv_weight_array;

typedef struct fv_weights_info {
    const char *path;
    const fv_weight_array *arrays; // (count)
    int count;
} fv_weights_info;

fv_status fv_weights_open(const char *from, fv_weights **out, fv_error *error);
void fv_weights_free(fv_weights *weights); // NULL is fine
const fv_weights_info *fv_weights_get_info(const fv_weights *weights);

// Which arrays of a file fit which weights of a model. Names are compared from their ends, rules say more; what fits two
// equally well fits none.
typedef struct fv_import fv_import;

typedef struct fv_import_options {
    size_t size;
    const char *layer;       // only the weights of this layer, with those inside it; NULL: all
    const char *const *maps; // (map_count): rules THEIRS=OURS as of `fovea import --map`, or paths of files of rules
    int map_count;
} fv_import_options;

typedef struct fv_import_row {
    const char *weight; // of the model
    int rank, shape[4];
    bool matched;
    const char *fit;    // "matched", "missing", "ambiguous", "shape", "not finite"
    const char *array;  // of the file; NULL: none
    const char *reason; // a sentence
} fv_import_row;

typedef struct fv_import_info {
    const char *path;                        // of the file
    const fv_import_row *rows;               // (row_count): the weights that are wanted
    int row_count, matched;                  //
    const fv_weight_array *const *left_over; // (left_over_count): arrays that no weight takes
    int left_over_count;
} fv_import_info;

// Finds what belongs together; the model, which must outlive the import, stays as it is. Errors: those of
// fv_weights_open, FV_INVALID (no such layer, or a rule that is wrong or fits nothing). Release with fv_import_free.
fv_status fv_import_create(fv_model *model, const char *from, const fv_import_options *options, fv_import **out,
                           fv_error *error);
void fv_import_free(fv_import *import); // NULL is fine
const fv_import_info *fv_import_get_info(const fv_import *import);

// Copies what matched into the model. Errors: unless `partial`, FV_FORMAT when a weight is not matched (names the first).
fv_status fv_import_apply(fv_import *import, bool partial, fv_error *error);

// Published weights that are known by name; NULL after the last.
typedef struct fv_pretrained {
    const char *name;   // "mobilenet-v2-1.0-224"
    const char *title;  // what they fit and were trained on
    const char *url;    // the file is at URL/FILE
    const char *file;   // as published
    const char *sha256; // of the file; NULL: none is published
} fv_pretrained;
const fv_pretrained *fv_pretrained_get(size_t index);

// Where the file is: in FOVEA_WEIGHTS, the cache, or where Keras keeps it. `headless`: one without the last layer will
// do. Errors: FV_NOT_FOUND (no such name, or not there: says how to get it). Release with fv_free.
fv_status fv_pretrained_locate(const char *name, bool headless, char **path, fv_error *error);

typedef struct fv_pretrained_options {
    size_t size;
    const char *folder;          // to put the file in; NULL: the cache
    fv_event_callback *on_event; // FV_EVENT_WORK: bytes of the address `message`
    void *context;
} fv_pretrained_options;

// Downloads the file, picking up where an earlier download stopped. Errors: FV_NOT_FOUND, FV_IO, FV_FORMAT (another sum),
// FV_UNSUPPORTED (a build without downloads), FV_INTERRUPTED. Release *path with fv_free.
fv_status fv_pretrained_download(const char *name, const fv_pretrained_options *options, char **path, fv_error *error);

// --- Prediction

// Runs a model on images: threads, and the model's graph prepared for them. Any number of predictors may share one
// model, one for each thread. The model must outlive them; when its weights change, they follow.
typedef struct fv_predictor fv_predictor;

typedef struct fv_predictor_options {
    size_t size;
    int threads;     // up to 1024; 0: as many as affinity, control group and OMP_NUM_THREADS allow
    bool no_rewrite; // compute the layers as written; see fv_train_options
} fv_predictor_options;

// Errors: FV_INVALID (the layers do not end in one value per class yet). Release with fv_predictor_free.
fv_status fv_predictor_create(const fv_model *model, const fv_predictor_options *options, fv_predictor **out,
                              fv_error *error);
void fv_predictor_free(fv_predictor *predictor); // NULL is fine

// Class probabilities (count, classes) of `count` images (count, height, width, channels). Errors: FV_NUMERIC (names the
// image and the class whose value is not finite).
fv_status fv_predictor_run(fv_predictor *predictor, const uint8_t *images, size_t count, float *probabilities,
                           fv_error *error);

// The logits (count, classes), of which the probabilities are the softmax. Values that are not finite are passed on.
fv_status fv_predictor_run_logits(fv_predictor *predictor, const uint8_t *images, size_t count, float *logits,
                                  fv_error *error);

// Probabilities (count, classes) of the samples `indices` (count) of a data set, read on the predictor's threads.
// Errors: FV_INVALID (images of another shape), and those of fv_dataset_read.
fv_status fv_predictor_run_samples(fv_predictor *predictor, const fv_dataset *dataset, const size_t *indices,
                                   size_t count, float *probabilities, fv_error *error);

typedef struct fv_predict_files_options {
    size_t size;
    bool strict;                 // an unreadable file is an error; else it is left out
    fv_event_callback *on_event; // FV_EVENT_LEFT_OUT in the order of the files, and FV_EVENT_WORK
    void *context;
} fv_predict_files_options;

// Probabilities (count, classes) of image files, in the order of `paths`; those of a file that is left out are 0. Files
// are JPEG, PNG, GIF, WebP, TIFF, BMP or PNM (the first frame or page), of any name and size. They are decoded on the
// predictor's threads and resized as the model's training did. A grey model sees a colour image's luma (ITU-R
// BT.601), a colour model sees a grey image as three equal channels. Errors: FV_UNSUPPORTED (a model of 2 or 4 channels
// takes no files), and with `strict` those of reading a file.
fv_status fv_predictor_run_files(fv_predictor *predictor, const char *const *paths, size_t count,
                                 const fv_predict_files_options *options, float *probabilities, fv_error *error);

// One such file as the bytes of an image of the model (height, width, channels): decoded and resized.
fv_status fv_model_read_image(const fv_model *model, const char *path, uint8_t *pixels, fv_error *error);

// --- Training and evaluation

// Means over the samples seen so far, or of an epoch.
struct fv_metrics {
    double loss;            // cross-entropy (natural logarithm), with the recipe's label smoothing
    double accuracy;        // 0 … 1
    int top_k[FV_MAX_TOP];  // which further top-k accuracies are counted; 0 after the last
    double top[FV_MAX_TOP]; // 0 … 1
    size_t samples;
};

// Where a training run is, after a step (validation.samples is 0) or an epoch.
struct fv_progress {
    int epoch, epochs; // epoch counts from 1
    int step, steps;   // of this epoch, step counts from 1
    double learning_rate;
    double seconds;           // since the epoch began, without validation
    double images_per_second; // of this epoch
    fv_metrics train, validation;
};

typedef struct fv_train_options {
    size_t size;
    const char *folder;   // run folder to be made: recipe, history, checkpoints, model; NULL: nothing is written
    bool resume;          // go on in `folder` where an earlier run stopped
    int threads;          // 0: as many as affinity, control group and OMP_NUM_THREADS allow
    uint64_t seed;        // of weights, order, dropout and augmentation
    int checkpoint_steps; // also checkpoint after so many steps of an epoch; 0: only between epochs
    // Compute the layers as written. Otherwise linear layers are joined and averages moved where that saves operations:
    // the same function, rounded in other places. A resumed run keeps to what it began with.
    bool no_rewrite;
    bool test;                   // at the end, evaluate on the test set, where there is one; run.json gets the result
    bool tensorboard;            // also write FOLDER/tensorboard, for TensorBoard; a run begun so goes on so
    bool no_curves;              // do not draw FOLDER/curves.png and .svg
    fv_event_callback *on_event; // all kinds of events; stopping writes a checkpoint
    void *context;
} fv_train_options;

// Trains as the recipe says. *model (NULL: not wanted) is the trained model, to be freed by the caller.
// Errors: FV_INVALID (recipe), FV_NOT_FOUND and FV_FORMAT (data, weights, checkpoint), FV_UNSUPPORTED (a checkpoint of
// kernels that round otherwise: says what to set), FV_IO (run folder, also when another process trains in it),
// FV_NUMERIC (the loss is not finite: says at which step and what to try), FV_INTERRUPTED. The run folder stays usable
// in every case. `options` may be NULL.
fv_status fv_recipe_train(const fv_recipe *recipe, const fv_train_options *options, fv_model **model, fv_error *error);

enum { FV_CALIBRATION_BINS = 15 };

// Of the samples of one class, or taken for it. What would divide by zero is 0.
typedef struct fv_class_metrics {
    size_t support, predicted; // samples that are of the class, and that are taken for it
    double precision, recall;  // the part of `predicted`, and of `support`, that is right
    double f1;                 // their harmonic mean
} fv_class_metrics;

// Samples whose predicted class has a probability in ((m-1)/15, m/15].
typedef struct fv_calibration_bin {
    size_t samples;
    double confidence, accuracy; // means: that probability, and the part that is right; 0 without samples
} fv_calibration_bin;

// What a model does with every sample of a data set. The predicted class is the first of the likeliest.
typedef struct fv_evaluation {
    fv_metrics metrics; // loss as trained (fv_model_info.label_smoothing), accuracy and the top-k accuracies asked for
    int class_count;
    size_t samples;
    size_t *confusion;         // (class_count, class_count): samples of class `row` that are taken for class `column`
    fv_class_metrics *classes; // (class_count)
    double precision, recall, f1; // macro averages: plain means over the classes that occur or are predicted
    fv_calibration_bin bins[FV_CALIBRATION_BINS]; // of equal width
    double calibration_error;                     // expected calibration error (Guo et al. 2017), 0 … 1
    int32_t *labels, *predicted;                  // (samples): the true and the predicted class
    float *confidence;                            // (samples): the probability of the predicted class
} fv_evaluation;

typedef struct fv_evaluate_options {
    size_t size;
    int top_k[FV_MAX_TOP];         // further top-k accuracies to count, 1 … classes; 0 after the last
    const double *label_smoothing; // of the loss, 0 … 1; NULL: as the model was trained
    int threads;                   // 0: as many as affinity, control group and OMP_NUM_THREADS allow
    bool no_rewrite;               // compute the layers as written
    fv_event_callback *on_event;   // FV_EVENT_WORK
    void *context;
} fv_evaluate_options;

// Evaluates the model on a whole data set. Errors: FV_INVALID (images of another shape, other classes, a k above them),
// FV_NUMERIC (the loss is not finite), and those of fv_dataset_read. Release with fv_evaluation_free.
fv_status fv_model_evaluate(const fv_model *model, const fv_dataset *dataset, const fv_evaluate_options *options,
                            fv_evaluation **out, fv_error *error);
void fv_evaluation_free(fv_evaluation *evaluation); // NULL is fine

// Which samples are taken for another class with the most confidence, the most confident first: up to `most` of them
// into `samples`. Returns how many.
size_t fv_evaluation_find_mistakes(const fv_evaluation *evaluation, size_t most, size_t *samples);

// --- Explanations

// What a model looked at when it classified one image. Reads the model's graph as its layers write it, so that every
// attention layer has weights to show. The model must outlive it.
typedef struct fv_explainer fv_explainer;

typedef struct fv_explainer_options {
    size_t size;
    int threads; // 0: as many as allowed
} fv_explainer_options;

// Errors: FV_INVALID (the model has no classes yet). Release with fv_explainer_free.
fv_status fv_explainer_create(const fv_model *model, const fv_explainer_options *options, fv_explainer **out,
                              fv_error *error);
void fv_explainer_free(fv_explainer *explainer); // NULL is fine

// Runs the model on one image of bytes (height, width, channels), of which a copy is kept. What follows is about this
// image and the class `target`, 0 … classes-1, or -1: the likeliest. Errors: FV_INVALID (no such class), FV_NUMERIC.
fv_status fv_explainer_set_image(fv_explainer *explainer, const uint8_t *image, int target, fv_error *error);

typedef struct fv_explained {
    int target, predicted;      // classes
    const float *probabilities; // (classes); until the next image
    int layers;                 // attention layers, in the order of the model
} fv_explained;
const fv_explained *fv_explainer_get_result(const fv_explainer *explainer);

// The attention weights of one layer. Each query's weights over the keys sum to 1.
typedef struct fv_attention_weights {
    const char *layer;                // its name; NULL: there is no such layer
    bool slots;                       // external attention: the keys are trained memory slots, not tokens
    bool residual;                    // the layer's input is added to what comes out of it
    int groups, heads, queries, keys; // tokens attend inside groups, of which there is one but in `over: heads`
    int before, rows, columns; // keys (with slots: queries) are tokens without a place, such as a class token, and
                               // then rows * columns tokens that lie over the image; 0 rows: none has a place
    double origin[2], step[2]; // pixels from the middle of the first to that of token (row 0, column 0), and
                               // from token to token: down, to the right
    double field[2];           // height and width of what a token sees of the image, in pixels
    const float *weights;      // (groups, heads, queries, keys); until the next image
} fv_attention_weights;

// Those of attention layer `layer`, 0 … layers-1.
const fv_attention_weights *fv_explainer_get_attention(const fv_explainer *explainer, int layer);

typedef enum fv_explain_method {
    // The weights with which the tokens of a layer are attended to; of a layer with slots, those with which they attend
    // to one slot.
    FV_EXPLAIN_ATTENTION,
    // Attention through all layers from the last to the first, half of it for each residual (Abnar and Zuidema 2020,
    // "Quantifying attention flow in transformers"); read off at the class token, or averaged over the tokens.
    FV_EXPLAIN_ROLLOUT,
    // Attention weighted by how much it raises the target's logit: positive parts of gradient · weight, averaged over
    // the heads, summed over queries (or slots) and layers (after Chefer et al. 2021, "Generic attention-model
    // explainability for interpreting bi-modal and encoder-decoder transformers").
    FV_EXPLAIN_GRADIENT,
    // The last convolutional image, its channels weighted by their mean gradient of the target's logit (Selvaraju et
    // al. 2017, "Grad-CAM").
    FV_EXPLAIN_GRAD_CAM,
    // How far the target's logit falls when a square is covered with the image's mean colour (Zeiler and Fergus 2014,
    // "Visualizing and understanding convolutional networks"). Needs nothing of the model but predictions.
    FV_EXPLAIN_OCCLUSION,
} fv_explain_method;

// Which part of the attention. Start from FV_EXPLAIN_OPTIONS: here -1, not 0, means the default.
typedef struct fv_explain_options {
    size_t size;
    int layer;   // ATTENTION: which, -1 the last; GRADIENT: which alone, -1 all
    int head;    // ATTENTION: which, -1 the mean
    int query;   // ATTENTION: which query token, -1 the mean; with slots: which slot, which must be given
    int patch;   // OCCLUSION: side of the square, moved by half of it; 0: 1/8 of the shorter side, 1/4 under 16 pixels
    bool blocky; // a pixel has the value of the nearest token, not one between the nearest four
} fv_explain_options;
#define FV_EXPLAIN_OPTIONS                                                                                             \
    { sizeof(fv_explain_options), -1, -1, -1, 0, false }

// A heat map (height, width) of the image: the larger, the more a pixel counts. Units are those of the method; only
// OCCLUSION can be negative. `options` NULL: FV_EXPLAIN_OPTIONS. Errors: FV_UNSUPPORTED tells why the method does not
// apply to this model, FV_INVALID which option names nothing.
fv_status fv_explainer_map(fv_explainer *explainer, fv_explain_method method, const fv_explain_options *options,
                           float *map, fv_error *error);

// How faithful a heat map (height, width) is to the model (Petsiuk et al. 2018, "RISE"): the target's probability while
// the pixels are covered with the image's mean colour, the most important first (deletion: small is good), and while
// they are uncovered from a blurred image (insertion: large is good). Areas under the curves, 0 … 1.
enum { FV_FAITHFULNESS_POINTS = 32 };
typedef struct fv_faithfulness {
    double deletion, insertion;
    float deleted[FV_FAITHFULNESS_POINTS], inserted[FV_FAITHFULNESS_POINTS]; // probabilities, from no pixel to all
} fv_faithfulness;
fv_status fv_explainer_faithfulness(fv_explainer *explainer, const float *map, fv_faithfulness *out, fv_error *error);

// The same as the mean over `repeats` (at least 1) random orders of the pixels, the least that a map should surpass.
fv_status fv_explainer_random_faithfulness(fv_explainer *explainer, int repeats, uint64_t seed, fv_faithfulness *out,
                                           fv_error *error);

// The header of a NumPy array file (NEP 1, version 1.0) of float32 in C order, up to five axes; the values follow it.
enum { FV_NPY_HEADER = 128 };
void fv_npy_header(uint8_t header[FV_NPY_HEADER], const size_t *shape, size_t rank);

// --- Pictures

// Pictures are written as .png or .svg, by the ending of `path`: complete, or not at all. All of these fail with
// FV_UNSUPPORTED in a build without cairo, FV_INVALID (another ending, too much for one picture) and FV_IO.

enum { FV_GRID_CAPTIONS = 2 };

typedef struct fv_grid_cell {
    const uint8_t *pixels;                  // (height, width, channels); NULL: the cell stays empty
    const char *captions[FV_GRID_CAPTIONS]; // lines above the image; NULL: none
    bool marked;                            // with a frame, and the captions in its colour
} fv_grid_cell;

// Small images in rows and columns, with captions.
typedef struct fv_grid {
    size_t size;
    const char *title, *subtitle; // above all, the second smaller; NULL: none
    int rows, columns;
    int height, width, channels; // of each image; 1 channel is grey, 3 are red, green and blue
    int scale;                   // side of one of its pixels, not smoothed; 0: chosen by their size
    int cell_width;              // least width of a cell, for captions wider than images
    const fv_grid_cell *cells;   // (rows, columns)
} fv_grid;
fv_status fv_grid_draw(const fv_grid *grid, const char *path, fv_error *error);

// A heat map over an image.
typedef struct fv_heat_map {
    size_t size;
    int height, width, channels; // 1 channel is grey, 3 are red, green and blue
    const uint8_t *pixels;       // (height, width, channels)
    const float *map;            // (height, width); NULL: the image alone
    double least, most;          // values of the map that get the darkest and the brightest colour
    bool blocky;                 // not smoothed when scaled up
    int scale;                   // pixels for each of the image's, at least 1
} fv_heat_map;

// Writes (height * scale, width * scale, 3) bytes to `out`: the image in grey, half covered by the map's colours, so
// that hue belongs to the map alone. Without a map the image stays as it is. Errors: FV_INVALID.
fv_status fv_heat_map_paint(const fv_heat_map *heat_map, uint8_t *out, fv_error *error);

// The colour of FV_GRID frames and of the frame that marks a place of an image: 0xRRGGBB.
enum { FV_MARK_COLOUR = 0xD55E00 };

// A few samples with their classes, of photographs from all classes. What augmentation makes of some training samples:
// rows begin with a sample as it is, and go on with what epochs 1, 2, … see. `augment`: the recipe's list as YAML ("[flip,
// cutout: 8]"); NULL: flip, rotation, contrast and zoom. The last takes data and list from a recipe.
fv_status fv_dataset_draw(const fv_dataset *dataset, const char *path, fv_error *error);
fv_status fv_dataset_draw_augmentation(fv_dataset *dataset, const char *augment, uint64_t seed, const char *path,
                                       fv_error *error);
fv_status fv_recipe_draw_augmentation(const fv_recipe *recipe, uint64_t seed, const char *path, fv_error *error);

// What the first layer looks for: the filters of a convolution over the image, or of the dense layer after its patches.
// How alike the position embeddings are. Errors: FV_INVALID (the model has none).
fv_status fv_model_draw_filters(const fv_model *model, const char *path, fv_error *error);
fv_status fv_model_draw_positions(const fv_model *model, const char *path, fv_error *error);

// Charts of an evaluation; `class_names` (class_count). Confusion has true classes as rows and predicted ones as columns;
// the classes are bars of recall, best first, up to 1600 of them; calibration is accuracy against confidence.
fv_status fv_evaluation_draw_confusion(const fv_evaluation *evaluation, const char *const *class_names,
                                       const char *path, fv_error *error);
fv_status fv_evaluation_draw_classes(const fv_evaluation *evaluation, const char *const *class_names, const char *path,
                                     fv_error *error);
fv_status fv_evaluation_draw_calibration(const fv_evaluation *evaluation, const char *path, fv_error *error);

// --- Runs

// A run folder, read: what fv_recipe_train leaves there. It may be read while the run goes on.
typedef struct fv_run fv_run;

typedef struct fv_run_info {
    const char *name, *folder;       // the last part of the path, and the path
    const char *recipe;              // recipe.yaml: as resolved; NULL where there is none, as the next
    const char *report;              // run.json: JSON with state, data, seed, threads and results
    size_t epochs;                   // finished so far
    int columns;                     // of history.csv
    const char *const *column_names; // (columns): "epoch", "loss", "val_accuracy" …
    const double *values;            // (epochs, columns); NaN where a number is not finite
} fv_run_info;

// Errors: FV_NOT_FOUND (no such folder), FV_FORMAT (names the file and line). Release with fv_run_free.
fv_status fv_run_open(const char *folder, fv_run **out, fv_error *error);
void fv_run_free(fv_run *run); // NULL is fine
const fv_run_info *fv_run_get_info(const fv_run *run);

enum { FV_MAX_CURVES = 8 };

// Accuracy and loss of 1 to FV_MAX_CURVES runs side by side, epoch by epoch. A single run has its best epoch marked.
// Errors: FV_NOT_FOUND (a run without an epoch), and as all pictures.
fv_status fv_run_draw_curves(const fv_run *const *runs, int count, const char *path, fv_error *error);

typedef struct fv_report_options {
    size_t size;
    const char *run;         // run folder, for curves and what is known of the training; NULL: none
    const fv_recipe *recipe; // which top-k accuracies to count, and data.limit; NULL: none
    const char *title;       // NULL: the run's name
    const char *split;       // what the page calls the data; NULL: by its split
    const size_t *samples;   // (sample_count): shown in the explorer; none: 24 are chosen, half of them mistakes
    size_t sample_count;
    int threads;                 // 0: as many as allowed
    fv_event_callback *on_event; // FV_EVENT_WORK
    void *context;
} fv_report_options;

// One HTML page about a model that needs nothing else: scores, classes, confusion, calibration, curves, mistakes, model,
// recipe, and an explorer of what the model looked at. It evaluates as many samples, evenly spread, as take some
// seconds (all within data.limit, if the recipe has one), and gives their number in *evaluated (NULL: not wanted).
// Errors: those of fv_model_evaluate, fv_run_open and all pictures.
fv_status fv_report_write(const fv_model *model, const fv_dataset *data, const fv_report_options *options,
                          const char *path, size_t *evaluated, fv_error *error);

// --- Summaries and benchmarks

// One layer of a model. What layers inside it have is in their own rows, so that columns can be added up.
typedef struct fv_layer_info {
    const char *name, *kind; // "multi_head_attention_1", "multi_head_attention"
    int depth;               // 0; more inside residual and repeat
    int rank, shape[4];      // of its output for one image
    size_t parameters;
    double multiply_adds;    // for one image
    size_t activation_bytes; // of the values it computes for one image
} fv_layer_info;

typedef struct fv_summary {
    const fv_layer_info *layers; // (layer_count); names belong to the model
    int layer_count;
    size_t parameters, trainable;
    double multiply_adds;
    size_t activation_bytes;
    int batch, threads;             // of a training step:
    size_t training_bytes;          //   memory without weights and optimizer
    int micro_batch;                //   images a thread takes at a time
    int groups;                     //   the most threads that find work
    const char *rewrites;           // what the algebra pass does in training, one line each
    double rewritten_multiply_adds; // after it
    const char *plan;               // how a training step runs, as text: docs/plan.md says how to read it
} fv_summary;

typedef struct fv_summary_options {
    size_t size;
    const fv_recipe *recipe; // for batch and optimizer; NULL: the defaults
    int threads;             // 0: as many as allowed
    bool no_rewrite;
} fv_summary_options;

// What a model is made of and what training it takes. Release with fv_summary_free.
fv_status fv_model_summarize(const fv_model *model, const fv_summary_options *options, fv_summary **out,
                             fv_error *error);
void fv_summary_free(fv_summary *summary); // NULL is fine

// Whole steps on random samples in memory: training is forward, loss, backward and update, inference is bytes to
// probabilities.
typedef struct fv_bench fv_bench;

typedef struct fv_bench_options {
    size_t size;
    const fv_recipe *recipe; // optimizer, batch and frozen layers; NULL: the defaults
    bool training;           // else inference
    int batch;               // samples in a step; 0: the recipe's
    int threads;             // 0: as many as allowed
    uint64_t seed;           // of the samples
    bool no_rewrite;
} fv_bench_options;

// One node of the graph that runs, and the seconds it took in the last fv_bench_profile, summed over threads.
typedef struct fv_bench_node {
    const char *name, *op;
    double multiply_adds; // for one image, forward and backward
    double forward_seconds, backward_seconds;
} fv_bench_node;

typedef struct fv_bench_info {
    int batch, threads;
    bool training;
    bool after_frozen;          // training of the layers after the frozen ones, as from a run's second epoch on
    const char *isa;            // level of the kernels
    size_t parameters;          // of the layers that run
    double multiply_adds;       // for one image
    const fv_bench_node *nodes; // (node_count)
    int node_count;
} fv_bench_info;

typedef struct fv_bench_time {
    long steps;
    double seconds;
} fv_bench_time;

// The model must outlive the benchmark; training changes its weights. Errors: FV_INVALID (batch). Release with
// fv_bench_free.
fv_status fv_bench_create(fv_model *model, const fv_bench_options *options, fv_bench **out, fv_error *error);
void fv_bench_free(fv_bench *bench); // NULL is fine
const fv_bench_info *fv_bench_get_info(const fv_bench *bench);

// Takes whole steps until both `seconds` and `steps` have passed. The second also times every node.
fv_status fv_bench_run(fv_bench *bench, double seconds, long steps, fv_bench_time *time, fv_error *error);
fv_status fv_bench_profile(fv_bench *bench, double seconds, fv_bench_time *time, fv_error *error);

// Multiply-adds per second that the matrix kernel reaches now on as many threads with operands in the caches; 0: out of
// memory.
double fv_bench_measure_peak(const fv_bench *bench);

// --- Multi-head attention as a call

// The attention layer of Vaswani et al. 2017 ("Attention is all you need") with its eight trained arrays:
//   q = query · Wq + bq,  k = key · Wk + bk,  v = value · Wv + bv     cut into heads of d_model / heads features
//   weights = softmax over the keys of q · kᵀ / √(d_model / heads), a score that is masked being -1e9
//   output = (the heads' weights · v side by side) · Wo + bo
// In a model, the layer `multi_head_attention` is this with one input as query, key and value; there the width of a
// head and of the output are free, and weights can be dropped out. Not to be used from two threads at a time.
typedef struct fv_attention fv_attention;

typedef struct fv_attention_options {
    size_t size;
    int d_model;                             // features of the projections and of the output, 1 … 32768
    int heads;                               // 1 … 1024; must divide d_model
    int query_width, key_width, value_width; // features of the inputs, up to 32768; 0: d_model
    uint64_t seed;                           // from which the kernels are drawn (Glorot-uniform); biases start at 0
    int threads;                             // 1 … 1024; 0: as many as allowed
} fv_attention_options;

// Errors: FV_INVALID names the option; for heads that do not divide d_model, those that do. Release with
// fv_attention_free.
fv_status fv_attention_create(const fv_attention_options *options, fv_attention **out, fv_error *error);
void fv_attention_free(fv_attention *attention); // NULL is fine

// The trained arrays, or their gradients; they live as long as the layer, and may be read and written between calls.
typedef struct fv_attention_parameters {
    float *query_kernel, *query_bias;   // (query_width, d_model), (d_model)
    float *key_kernel, *key_bias;       // (key_width, d_model), (d_model)
    float *value_kernel, *value_bias;   // (value_width, d_model), (d_model)
    float *output_kernel, *output_bias; // (d_model, d_model), (d_model)
} fv_attention_parameters;
const fv_attention_parameters *fv_attention_get_parameters(fv_attention *attention);
const fv_attention_parameters *fv_attention_get_gradients(fv_attention *attention); // zero at first

typedef struct fv_tokens {
    const float *values; // (batch, tokens, width)
    int batch, tokens, width;
} fv_tokens;

// Who may attend to whom: 0 where a query must not see a key. Any shape that broadcasts to (batch, heads, queries,
// keys): padding (batch, 1, 1, keys), causal (queries, keys), … A query that may see no key sees all alike.
typedef struct fv_mask {
    const int32_t *values;
    int rank, shape[4]; // rank 1 … 4, missing axes are in front
} fv_mask;

// output (batch, query.tokens, d_model); weights (batch, heads, query.tokens, key.tokens), or NULL: not wanted. Key and
// value have the same tokens, up to 65536 and not necessarily those of the query: attention across two sequences. The
// three may be one array. mask NULL: everybody sees everybody. Memory for the last shapes is kept for the next call.
// Errors: FV_INVALID tells which shapes do not fit; FV_MEMORY.
fv_status fv_attention_forward(fv_attention *attention, fv_tokens query, fv_tokens key, fv_tokens value,
                               const fv_mask *mask, float *output, float *weights, fv_error *error);

// The gradients of a loss whose gradient in the output is d_output (batch, query.tokens, d_model): writes those of the
// inputs, of the shape of each (NULL: not wanted; for one array as several inputs, add them up), and adds those of the
// trained arrays to fv_attention_get_gradients. Computes the forward pass anew, so it needs no call before it.
fv_status fv_attention_backward(fv_attention *attention, fv_tokens query, fv_tokens key, fv_tokens value,
                                const fv_mask *mask, const float *d_output, float *d_query, float *d_key,
                                float *d_value, fv_error *error);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
