// SPDX-License-Identifier: Apache-2.0
// Augmentation: each operation against a naive one in double, draws that belong to (seed, epoch, sample) alone, mixing,
// the options, and the samples as training renders them.
#include "scratch.h"

#include <math.h>
#include <time.h>

#include "base/memory.h"
#include "data/augment.h"
#include "train/render.h"

static fv_error error;
static const fv__kernels *kernels; // the level under test

enum { MOST = 48 * 48 * FV__PIXEL };

typedef struct picture {
    fv__image image;
    float values[MOST], spare[MOST];
} picture;

// Values of 0…255, the same for the same number.
static void fill(picture *one, int height, int width, int channels, uint64_t number) {
    one->image = (fv__image){height, width, channels, one->values, one->spare};
    fv__random random = fv__random_start(number, FV__DRAW_TEST, 1);
    for (int i = 0; i < height * width * FV__PIXEL; i++) {
        one->values[i] = i % FV__PIXEL < channels ? (float)(fv__random_word(&random) & 255) : 0;
    }
}

static double largest_difference(const fv__image *image, const double *expected) {
    double largest = 0;
    for (int i = 0; i < image->height * image->width * FV__PIXEL; i++) {
        largest = fmax(largest, fabs((double)image->values[i] - expected[i]));
    }
    return largest;
}

// --- Naive references

static double reflected(double x, int size) {
    while (x < -0.5 || x > size - 0.5) { // mirrors are half a pixel outside
        x = x < -0.5 ? -1 - x : 2 * size - 1 - x;
    }
    return fmin(fmax(x, 0), size - 1);
}

static double pixel_of(const fv__image *image, int y, int x, int c) {
    y = y < image->height ? y : image->height - 1;
    x = x < image->width ? x : image->width - 1;
    return (double)image->values[(y * image->width + x) * FV__PIXEL + c];
}

// out(x, y) = in(x', y'), where (x', y') = centre + m · ((x, y) − centre) − moved.
static void naive_resample(const fv__image *image, const double m[4], double moved_x, double moved_y, double *out) {
    double middle_x = (image->width - 1) / 2.0, middle_y = (image->height - 1) / 2.0;
    for (int i = 0; i < image->height * image->width * FV__PIXEL; i++) {
        int c = i % FV__PIXEL, x = i / FV__PIXEL % image->width, y = i / FV__PIXEL / image->width;
        double dx = x - middle_x, dy = y - middle_y;
        double from_x = reflected(middle_x + m[0] * dx + m[1] * dy - moved_x, image->width);
        double from_y = reflected(middle_y + m[2] * dx + m[3] * dy - moved_y, image->height);
        int left = (int)floor(from_x), top = (int)floor(from_y);
        double a = from_x - left, b = from_y - top;
        out[i] = (1 - b) * ((1 - a) * pixel_of(image, top, left, c) + a * pixel_of(image, top, left + 1, c)) +
                 b * ((1 - a) * pixel_of(image, top + 1, left, c) + a * pixel_of(image, top + 1, left + 1, c));
    }
}

static const int sizes[][3] = {{32, 32, 3}, {28, 28, 1}, {17, 40, 4}, {1, 9, 2}, {2, 2, 3}, {1, 1, 1}, {48, 5, 3}};
enum { SIZES = sizeof sizes / sizeof *sizes };

static picture one, two;
static double expected[MOST];

static void test_resampling(void **state) {
    (void)state;
    for (int s = 0; s < SIZES; s++) {
        const int *size = sizes[s];
        for (int i = 0; i < 12; i++) {
            double turns = -1 + i * 0.17, c = cos(turns * 2 * M_PI), sine = sin(turns * 2 * M_PI);
            fill(&one, size[0], size[1], size[2], (uint64_t)(s * 100 + i));
            naive_resample(&one.image, (double[4]){c, -sine, sine, c}, 0, 0, expected);
            fv__image_rotate(&one.image, kernels, turns);
            // Coordinates in float: a step of a byte is 255 times their error of a few 1e-6.
            assert_true(largest_difference(&one.image, expected) < 1e-2);
            double height = -0.9 + i * 0.25, width = 2.1 - i * 0.21;
            fill(&one, size[0], size[1], size[2], (uint64_t)(s * 100 + i));
            naive_resample(&one.image, (double[4]){1 + width, 0, 0, 1 + height}, 0, 0, expected);
            fv__image_zoom(&one.image, kernels, height, width);
            assert_true(largest_difference(&one.image, expected) < 1e-2);
            fill(&one, size[0], size[1], size[2], (uint64_t)(s * 100 + i));
            naive_resample(&one.image, (double[4]){1, 0, 0, 1}, width * size[1], height * size[0], expected);
            fv__image_translate(&one.image, kernels, height, width);
            assert_true(largest_difference(&one.image, expected) < 1e-2);
        }
    }
}

static void test_identity(void **state) {
    (void)state;
    fill(&one, 32, 32, 3, 1);
    fill(&two, 32, 32, 3, 1);
    fv__image_rotate(&one.image, kernels, 0);
    fv__image_zoom(&one.image, kernels, 0, 0);
    fv__image_translate(&one.image, kernels, 0, 0);
    fv__image_contrast(&one.image, kernels, 1);
    fv__image_brighten(&one.image, 0);
    fv__image_shift(&one.image, 0, 0, FV__FILL_BLACK);
    fv__image_flip(&one.image, true, true);
    fv__image_flip(&one.image, true, true);
    fv__image_blend(&one.image, &two.image, 0.25);
    assert_memory_equal(one.image.values, two.image.values, 32 * 32 * FV__PIXEL * sizeof(float));
    // The kernel itself, too, gives back what is whole.
    const float identity[6] = {1, 0, 0, 0, 1, 0};
    kernels->resample(two.image.values, one.image.spare, 32, 32, identity);
    assert_memory_equal(one.image.spare, two.image.values, 32 * 32 * FV__PIXEL * sizeof(float));
    fv__image_rotate(&one.image, kernels, 1);
    for (int i = 0; i < 32 * 32 * FV__PIXEL; i++) {
        assert_true(fabsf(one.image.values[i] - two.image.values[i]) < 1e-2F);
    }
}

static void test_values(void **state) {
    (void)state;
    for (int s = 0; s < SIZES; s++) {
        const int places = sizes[s][0] * sizes[s][1];
        fill(&one, sizes[s][0], sizes[s][1], sizes[s][2], (uint64_t)s);
        for (int c = 0; c < FV__PIXEL; c++) {
            double mean = 0;
            for (int i = 0; i < places; i++) {
                mean += (double)one.values[i * FV__PIXEL + c] / places;
            }
            for (int i = 0; i < places; i++) {
                double value = ((double)one.values[i * FV__PIXEL + c] - mean) * 1.4 + mean;
                expected[i * FV__PIXEL + c] = fmin(fmax(value, 0), 255);
            }
        }
        fv__image_contrast(&one.image, kernels, 1.4);
        assert_true(largest_difference(&one.image, expected) < 1e-3);
    }
    fill(&one, 32, 32, 3, 9);
    fill(&two, 32, 32, 3, 9);
    fv__image_brighten(&one.image, 100);
    for (int i = 0; i < 32 * 32 * FV__PIXEL; i++) {
        float value = i % FV__PIXEL < 3 ? fminf(two.values[i] + 100, 255) : 0;
        assert_true(one.image.values[i] == value);
    }
}

static void test_parts(void **state) {
    (void)state;
    fv__random random = fv__random_start(1, FV__DRAW_TEST, 3);
    fill(&one, 8, 6, 3, 1);
    fill(&two, 8, 6, 3, 1);
    fv__image_shift(&one.image, 2, -1, FV__FILL_BLACK);
    assert_true(one.image.values[0] == 0);
    assert_true(one.image.values[2 * 6 * FV__PIXEL] == two.values[FV__PIXEL]);
    assert_true(one.image.values[(7 * 6 + 5) * FV__PIXEL] == 0);
    fill(&one, 8, 6, 3, 1);
    fv__image_shift(&one.image, 2, 0, FV__FILL_REFLECT);
    assert_true(one.image.values[0] == two.values[6 * FV__PIXEL]); // row 0 is row 1
    assert_true(one.image.values[6 * FV__PIXEL] == two.values[0]); // row 1 is row 0
    fv__image_shift(&one.image, 1000, -1000, FV__FILL_REFLECT);    // far outside
    fill(&one, 8, 6, 3, 1);
    fv__image_erase(&one.image, (fv__box){-2, 4, 5, 9}, FV__FILL_BLACK, &random);
    assert_true(one.values[(2 * 6 + 4) * FV__PIXEL] == 0 && one.values[(2 * 6 + 3) * FV__PIXEL] == two.values[60]);
    fv__image_erase(&one.image, (fv__box){0, 0, 8, 6}, FV__FILL_NOISE, &random);
    for (int i = 0; i < 8 * 6 * FV__PIXEL; i++) {
        assert_true(one.values[i] >= 0 && one.values[i] <= 255 && (i % FV__PIXEL < 3 || one.values[i] == 0));
    }
    fv__image_paste(&one.image, &two.image, (fv__box){1, 2, 3, 4});
    assert_memory_equal(one.values + (1 * 6 + 2) * FV__PIXEL, two.values + (1 * 6 + 2) * FV__PIXEL, 4 * FV__PIXEL * 4);
}

// --- The options

static fv_status read_list(const char *text, fv__augmentations *list) {
    fv__document *document;
    assert_int_equal(fv__document_parse(text, strlen(text), "list.yaml", &document, &error), FV_OK);
    fv_status status = fv__augmentations_read(fv__document_root(document), list, &error);
    fv__document_free(document);
    return status;
}

static void expect_refused(const char *text, const char *message) {
    fv__augmentations list;
    assert_int_equal(read_list(text, &list), FV_INVALID);
    assert_says(error, message);
}

static const char everything[] =
    "[flip: both, rotation: [-0.1, 0.2], zoom: {height: 0.2, width: [0, 0.3]}, translation: 0.1, crop: {padding: 4, "
    "fill: reflect}, contrast: 0.3, brightness: 0.2, cutout: 8, random_erasing, mixup, cutmix: {alpha: 0.5, "
    "probability: 0.5}]";

static void test_options(void **state) {
    (void)state;
    fv__augmentations list, again;
    for (int i = 0; fv__augmentation_type_at(i); i++) {
        const fv__augmentation_type *type = fv__augmentation_type_at(i);
        assert_int_equal(fv__options_check(type->options, type->name, &error), FV_OK);
        assert_true(!type->apply == !!type->mix && *type->sentence);
    }
    assert_int_equal(read_list(everything, &list), FV_OK);
    assert_int_equal(list.count, 11);
    fv__document *document = fv__document_new("written");
    fv__value *value, *rewritten;
    assert_int_equal(fv__augmentations_write(&list, document, &value, &error), FV_OK);
    assert_int_equal(fv__augmentations_read(value, &again, &error), FV_OK);
    assert_int_equal(fv__augmentations_write(&again, document, &rewritten, &error), FV_OK);
    assert_int_equal(value->count, 11);
    assert_true(fv__value_equal(value, rewritten));
    fv__document_free(document);
    assert_int_equal(fv__augmentations_read(NULL, &list, &error), FV_OK);
    assert_int_equal(list.count, 0);
    expect_refused("[rotatoin: 0.1]", "did you mean 'rotation'");
    expect_refused("[rotation]", "rotation needs options");
    expect_refused("[rotation: -0.1]", "the lower number first, or one number f for [-f, f], at least 0 and at most 1");
    expect_refused("[rotation: [0.2, 0.1]]", "expected [lower, upper]");
    expect_refused("[rotation: [0.1, 0.2, 0.3]]", "expected [lower, upper]");
    expect_refused("[rotation: 2]", "rotation.factor");
    expect_refused("[zoom: 1]", "at least 0 and below 1"); // [-1, 1] would show nothing
    expect_refused("[random_erasing: {area: 0.1}]", "random_erasing.area: expected [lower, upper]");
    expect_refused("[flip: {horizontal: true}]", "flip has no option 'horizontal'");
    expect_refused("{flip: horizontal}", "augment: expected a list");
    fv__text text = {0};
    fv__augmentations_describe(&text);
    assert_non_null(strstr(text.bytes, "augmentation `cutmix`"));
    fv__text_free(&text);
}

// --- Draws

static void test_draws(void **state) {
    (void)state;
    fv__augmentations list;
    double sum = 0;
    assert_int_equal(read_list(everything, &list), FV_OK);
    for (uint64_t sample = 0; sample < 50; sample++) {
        fv__augment_draw draw = {.seed = 3, .epoch = 2, .sample = sample};
        fill(&one, 32, 32, 3, sample);
        fill(&two, 32, 32, 3, sample);
        fv__augment(&list, kernels, draw, &one.image);
        fv__augment(&list, kernels, draw, &two.image);
        assert_memory_equal(one.image.values, two.image.values, 32 * 32 * FV__PIXEL * sizeof(float));
        for (int i = 0; i < 32 * 32 * FV__PIXEL; i++) {
            assert_true(one.image.values[i] >= 0 && one.image.values[i] <= 255);
            sum += (double)one.image.values[i];
        }
        draw.epoch = 3;
        fill(&two, 32, 32, 3, sample);
        fv__augment(&list, kernels, draw, &two.image);
        assert_memory_not_equal(one.image.values, two.image.values, 32 * 32 * FV__PIXEL * sizeof(float));
    }
    assert_true(sum > 0);
}

static void test_mixing(void **state) {
    (void)state;
    fv__augmentations list;
    const fv__image shape = {.height = 32, .width = 32, .channels = 3};
    double shares = 0, squares = 0, boxes = 0;
    enum { SAMPLES = 20000 };
    assert_int_equal(read_list("[mixup: 0.4, cutmix: 1]", &list), FV_OK);
    for (uint64_t sample = 0; sample < SAMPLES; sample++) {
        fv__augment_draw draw = {.seed = 1, .epoch = 1, .sample = sample};
        fv__mixing mixing = fv__augment_mixing(&list, draw, SAMPLES, &shape), again;
        again = fv__augment_mixing(&list, draw, SAMPLES, &shape);
        assert_true(mixing.share == again.share && mixing.partner == again.partner && mixing.by_box == again.by_box);
        assert_true(mixing.partner < SAMPLES && mixing.share >= 0 && mixing.share <= 1);
        boxes += mixing.by_box;
        if (mixing.by_box) {
            assert_true(mixing.box.top >= 0 && mixing.box.left >= 0 && mixing.box.top + mixing.box.height <= 32 &&
                        mixing.box.left + mixing.box.width <= 32);
            assert_true(mixing.share == mixing.box.height * mixing.box.width / 1024.0);
        } else {
            shares += mixing.share;
            squares += (mixing.share - 0.5) * (mixing.share - 0.5);
        }
    }
    double blends = SAMPLES - boxes;
    assert_true(fabs(boxes / SAMPLES - 0.5) < 0.03);
    assert_true(fabs(shares / blends - 0.5) < 0.02);
    assert_true(fabs(squares / blends - 1 / (4 * (2 * 0.4 + 1))) < 0.01); // variance of Beta(a, a)
    assert_int_equal(read_list("[mixup: {alpha: 1e-6}]", &list), FV_OK);  // both gamma draws underflow
    for (uint64_t sample = 0; sample < 100; sample++) {
        fv__augment_draw draw = {.sample = sample};
        double share = fv__augment_mixing(&list, draw, 100, &shape).share;
        assert_true(share >= 0 && share <= 1);
    }
}

// --- Rendering

static fv_status read_pixels(void *context, size_t index, uint8_t *pixels, fv_error *failure) {
    (void)context, (void)failure;
    for (int i = 0; i < 16 * 16 * 3; i++) {
        pixels[i] = (uint8_t)(index * 37 + (size_t)i * 11);
    }
    return FV_OK;
}

static const char network[] = "{input: {size: [16, 16, 3], normalize: unit}, model: [flatten, dense: 5]}";

static fv_model *make_model(void) {
    fv__document *document;
    fv_model *model;
    assert_int_equal(fv__document_parse(network, strlen(network), "model", &document, &error), FV_OK);
    const fv__value *root = fv__document_root(document);
    assert_int_equal(
        fv__model_build(fv__map_get(root, "input"), fv__map_get(root, "model"), 5, NULL, 0, &model, &error), FV_OK);
    fv__document_free(document);
    return model;
}

static void test_rendering(void **state) {
    (void)state;
    enum { COUNT = 40, VALUES = 16 * 16 * 3 };
    int32_t labels[COUNT];
    float first[VALUES], second[VALUES], plain[2][VALUES];
    fv__augmentations list;
    fv__renderer renderer, without;
    fv_model *model = make_model();
    for (int i = 0; i < COUNT; i++) {
        labels[i] = i % 5;
    }
    const fv__samples samples = {.count = COUNT, .labels = labels, .read = read_pixels};
    assert_int_equal(read_list("[mixup: 1]", &list), FV_OK);
    assert_survives_allocation_failure(fv__renderer_init(&renderer, model, kernels, &list, 2, &error), error);
    assert_int_equal(fv__renderer_init(&without, model, kernels, NULL, 1, &error), FV_OK);
    for (uint64_t sample = 0; sample < COUNT; sample++) {
        fv__augment_draw draw = {.seed = 5, .epoch = 1, .sample = sample};
        fv__image shape = {.height = 16, .width = 16, .channels = 3};
        fv__mixing mixing = fv__augment_mixing(&list, draw, COUNT, &shape);
        fv__target target = fv__render_target(&renderer, &samples, draw);
        assert_true(target.mix >= 0 && target.mix <= 0.5F); // the larger share comes first
        double own = target.label == labels[sample] ? 1 - (double)target.mix : (double)target.mix;
        assert_true(labels[sample] == labels[mixing.partner] || fabs(own - (1 - mixing.share)) < 1e-6);
        assert_int_equal(fv__render(&renderer, &samples, draw, 0, first, &error), FV_OK);
        assert_int_equal(fv__render(&renderer, &samples, draw, 1, second, &error), FV_OK);
        assert_memory_equal(first, second, sizeof first);
        assert_int_equal(fv__render(&without, &samples, draw, 0, plain[0], &error), FV_OK);
        draw.sample = mixing.partner;
        assert_int_equal(fv__render(&without, &samples, draw, 0, plain[1], &error), FV_OK);
        for (int i = 0; i < VALUES; i++) {
            double blend = (1 - mixing.share) * (double)plain[0][i] + mixing.share * (double)plain[1][i];
            assert_true(fabs((double)first[i] - (mixing.mixes ? blend : (double)plain[0][i])) < 1e-5);
        }
    }
    assert_int_equal(fv__render_target(&without, &samples, (fv__augment_draw){.sample = 7}).label, 2);
    fv__renderer_free(&renderer);
    fv__renderer_free(&without);
    fv_model_free(model);
}

// Told, not tested: the machine may be busy.
static void test_speed(void **state) {
    (void)state;
    enum { IMAGES = 2000 };
    fv__augmentations list;
    struct timespec start, end;
    static uint8_t pixels[3072];
    static float out[3072];
    const float scale[4] = {1, 1, 1, 1}, shift[4] = {0};
    assert_int_equal(read_list("[flip: horizontal, rotation: 0.1, contrast: 0.1, zoom: 0.2]", &list), FV_OK);
    fill(&one, 32, 32, 3, 1);
    double best = INFINITY;
    for (int round = 0; round < 5; round++) {
        clock_gettime(CLOCK_MONOTONIC, &start);
        for (uint64_t sample = 0; sample < IMAGES; sample++) {
            kernels->widen_pixels(pixels, one.image.values, 1024, 3);
            fv__augment(&list, kernels, (fv__augment_draw){.sample = sample}, &one.image);
            kernels->narrow_pixels(one.image.values, out, 1024, 3, scale, shift);
        }
        clock_gettime(CLOCK_MONOTONIC, &end);
        double seconds = (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
        best = fmin(best, seconds / IMAGES * 1e6);
    }
    print_message("%s: %.1f us an image of 32x32x3 (flip, rotation, contrast, zoom)\n", kernels->level, best);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resampling), cmocka_unit_test(test_identity),  cmocka_unit_test(test_values),
        cmocka_unit_test(test_parts),      cmocka_unit_test(test_options),   cmocka_unit_test(test_draws),
        cmocka_unit_test(test_mixing),     cmocka_unit_test(test_rendering), cmocka_unit_test(test_speed),
    };
    int failed = 0;
    for (int level = 0; fv__kernels_available(level); level++) {
        kernels = fv__kernels_available(level);
        failed += cmocka_run_group_tests(tests, scratch_open, scratch_close);
    }
    return failed;
}
