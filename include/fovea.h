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

typedef struct fv_model fv_model;
typedef struct fv_dataset fv_dataset;
typedef struct fv_progress fv_progress;

// What a call that takes long has to say. Members that do not belong to the kind are zero.
typedef enum fv_event_kind {
    FV_EVENT_REMARK,   // `message` is worth knowing, such as a cache that cannot be written
    FV_EVENT_LEFT_OUT, // `message` is "FILE: why it is not used"; `index` is its number, where inputs are numbered
    FV_EVENT_WORK,     // `done` of `count` units of `message` are finished; with `frozen layers`, done 0 means that
                       // another process is computing the same
    FV_EVENT_START,    // training is about to take its first step on `training`, validated on `validation` or NULL
    FV_EVENT_STEP,     // a training step is finished: `progress`
    FV_EVENT_EPOCH     // a training epoch and its validation are finished: `progress`
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
} fv_event;

// Called on the thread that made the call; the event lives until it returns. Return false to stop the call with
// FV_INTERRUPTED.
typedef bool fv_event_callback(void *context, const fv_event *event);

// --- Data sets

// A data set (fv_dataset): numbered samples of one size, with a label each. Immutable; several threads may read it at once.

// Opens one split ("train" or "test") of a data set known by name ("mnist", "fashion-mnist", "cifar10", "cifar100",
// "cifar100-coarse" with its 20 groups of classes, "cats-and-dogs", and "folder" for photographs of one's own: see
// fv_dataset_open_photos).
// `path` is a folder that holds its files; NULL searches FOVEA_DATA, the cache directory, and where Debian's packages
// put them. Photographs become samples of 224 × 224 × 3. Errors: FV_NOT_FOUND lists the names there are, or the places
// searched and how to get the data; FV_FORMAT names the damaged file; FV_INVALID for another split. Release with
// fv_dataset_free.
fv_status fv_dataset_open(const char *name, const char *split, const char *path, fv_dataset **out, fv_error *error);
void fv_dataset_free(fv_dataset *dataset); // NULL is fine

// Photographs: a folder with a folder for each class (DIR/CLASS/…), or with parts (DIR/train/CLASS/… and validation,
// val or test), or a zip or tar file of one, which is unpacked into the cache once. Zeros in the options mean the
// usual.
typedef struct fv_photo_options {
    int height, width, channels; // of a sample, sides 1 … 4096: 0: 224, 224, 3; channels may also be 1 (grey)
    const char *resize;          // "bilinear" (NULL), "antialias" or "crop"
    bool strict;                 // a file that cannot be read is an error; else it is left out
    int threads;                 // for the first look at all files; 0: as fv_model_set_threads
} fv_photo_options;

// Opens a part of them: "train" (all, where there are no parts), "validation", "test" (of the two the one there is).
// `path` may also be the name of a set of photographs ("cats-and-dogs") where nothing else is called so. Errors:
// FV_INVALID (split, size or `resize`), FV_NOT_FOUND, FV_FORMAT (names the file, or says how folders should be laid
// out). Release with fv_dataset_free.
fv_status fv_dataset_open_photos(const char *path, const char *split, const fv_photo_options *options, fv_dataset **out,
                                 fv_error *error);

typedef struct fv_dataset_info {
    size_t count;                // samples
    int height, width, channels; // of each, in pixels
    int classes;
    const char *const *class_names; // (classes); as long as the data set
    const int32_t *labels;          // (count), 0 … classes-1; as long as the data set
    size_t left_out;                // files that cannot be read
} fv_dataset_info;
const fv_dataset_info *fv_dataset_get_info(const fv_dataset *dataset);

// Copies the bytes of sample `index` to `pixels` (height, width, channels), 0 … 255. Errors: FV_INVALID when there is
// no such sample; of photographs FV_NOT_FOUND, FV_IO and FV_FORMAT when the file has changed since the set was opened.
fv_status fv_dataset_read(const fv_dataset *dataset, size_t index, uint8_t *pixels, fv_error *error);

// "FILE: what is wrong with it" for file `index` of those left out; as long as the data set. NULL past the last.
const char *fv_dataset_left_out(const fv_dataset *dataset, size_t index);

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

// Reads a model file, or the model.safetensors of a run folder. Errors: FV_NOT_FOUND, FV_FORMAT (says what is missing).
// Release with fv_model_free.
fv_status fv_model_load(const char *path, fv_model **out, fv_error *error);

// Writes weights, layers, classes and preprocessing to a safetensors file: complete, or not at all. Errors: FV_IO.
fv_status fv_model_save(const fv_model *model, const char *path, fv_error *error);

void fv_model_free(fv_model *model); // NULL is fine

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

// How many threads prediction uses; 0, the default, is what affinity, control group and OMP_NUM_THREADS allow.
void fv_model_set_threads(fv_model *model, int threads);

// Class probabilities (count, classes) of `count` images (count, height, width, channels) of bytes. Not to be called
// for one model from two threads at a time. Errors: FV_INVALID (the layers do not end in one value a class yet),
// FV_NUMERIC (names the image and class whose value is not finite).
fv_status fv_predict(fv_model *model, const uint8_t *images, size_t count, float *probabilities, fv_error *error);

// Of fv_predict_files. Zeros mean the usual.
typedef struct fv_predict_options {
    bool strict; // a file that cannot be read is an error; else it is left out
    // Called on the caller's thread, in the order of the files, for each that is left out: "FILE: what is wrong with
    // it".
    void (*on_left_out)(void *context, size_t index, const char *sentence);
    // Called on the caller's thread now and then; return false to stop with FV_INTERRUPTED.
    bool (*on_progress)(void *context, size_t done, size_t count);
    void *context;
} fv_predict_options;

// The same of picture files: JPEG, PNG, GIF (its first frame), BMP or PNM, whatever they are called and whatever their
// size. They are decoded on the threads that run the model, and resized as the model's training did. A grey model sees
// a colour picture's luma (ITU-R BT.601), a colour model a grey picture as three channels alike. A model of 2 or 4
// channels takes no files (FV_UNSUPPORTED). `probabilities` (count, classes) are in the order of `paths`; those of a
// file that is left out are 0. `options` may be NULL.
fv_status fv_predict_files(fv_model *model, const char *const *paths, size_t count, const fv_predict_options *options,
                           float *probabilities, fv_error *error);

// --- Training and evaluation

enum { FV_MAX_TOP = 4 };

// Means over the samples seen so far, or of an epoch.
typedef struct fv_metrics {
    double loss;            // cross-entropy (natural logarithm), with the recipe's label smoothing
    double accuracy;        // 0 … 1
    int top_k[FV_MAX_TOP];  // which further top-k accuracies are counted; 0 after the last
    double top[FV_MAX_TOP]; // 0 … 1
    size_t samples;
} fv_metrics;

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
    int threads;          // 0: as fv_model_set_threads
    uint64_t seed;        // of weights, order, dropout and augmentation
    int checkpoint_steps; // also checkpoint after so many steps of an epoch; 0: only between epochs
    // Compute the layers as written. Otherwise linear layers are joined and averages moved where that saves operations:
    // the same function, rounded in other places. A resumed run keeps to what it began with.
    bool no_rewrite;
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
// attention layer has weights to show, and the model's weights as they are when it is opened. The model must outlive
// it. Not to be used from two threads at a time, nor while the model is used by another.
typedef struct fv_explainer fv_explainer;

// Errors: FV_INVALID (the model has no classes yet), FV_MEMORY. Release with fv_explainer_free.
fv_status fv_explainer_create(fv_model *model, fv_explainer **out, fv_error *error);
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
    int threads;                             // 1 … 1024; 0: as fv_model_set_threads
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
