// SPDX-License-Identifier: Apache-2.0
// `fovea report`: the page as a file, and as a browser shows it. The browser drives the explorer itself (#selftest),
// and what it found must be what the library computes.
#include "program.h"

#include "base/memory.h"
#include "image/decode.h"
#include "image/encode.h"
#include "report/page.h"

static fv_error failure;

// --- What pages are made of

static void escapes(void **state) {
    (void)state;
    fv__text page = {0};
    fv__page_text(&page, "a<b> & \"c\"'");
    assert_string_equal(page.bytes, "a&#60;b&#62; &#38; &#34;c&#34;&#39;");
    fv__text_free(&page);
    fv__page_json(&page, "</script>\n\"\\é");
    assert_string_equal(page.bytes, "\"\\u003c/script\\u003e\\u000a\\u0022\\u005cé\"");
    fv__text_free(&page);
    const char *const texts[] = {"f", "fo", "foo", "foob"}, *const codes[] = {"Zg==", "Zm8=", "Zm9v", "Zm9vYg=="};
    for (int i = 0; i < 4; i++) { // RFC 4648, section 10
        fv__page_base64(&page, (const uint8_t *)texts[i], strlen(texts[i]));
        assert_string_equal(page.bytes, codes[i]);
        fv__text_free(&page);
    }
    fv__page_count(&page, 1234567);
    assert_string_equal(page.bytes, "1,234,567");
    fv__text_free(&page);
}

static void encodes_pictures(void **state) {
    (void)state;
    enum { HEIGHT = 5, WIDTH = 7 };
    uint8_t pixels[HEIGHT * WIDTH * 3];
    for (int i = 0; i < HEIGHT * WIDTH * 3; i++) {
        pixels[i] = (uint8_t)(i * 73);
    }
    for (int channels = 1; channels <= 3; channels += 2) {
        uint8_t *bytes = NULL;
        size_t size;
        fv__bitmap bitmap = {0};
        assert_int_equal(fv__png_encode(pixels, HEIGHT, WIDTH, channels, &bytes, &size, &failure), FV_OK);
        assert_int_equal(fv__image_decode(bytes, size, "a PNG", &bitmap, &failure), FV_OK);
        assert_int_equal(bitmap.height, HEIGHT);
        assert_int_equal(bitmap.width, WIDTH);
        for (int i = 0; i < HEIGHT * WIDTH * 3; i++) {
            assert_int_equal(bitmap.pixels[i], channels == 3 ? pixels[i] : pixels[i / 3]);
        }
        fv__bitmap_free(&bitmap);
        fv__free(bytes);
    }
}

static fv_status add_picture(void) {
    static const uint8_t pixels[64 * 64];
    fv__text page = {0};
    fv_status status = fv__page_picture(&page, pixels, 64, 64, 1, 32, &failure);
    status = !status && page.failed ? FV_MEMORY : status;
    fv__text_free(&page);
    return status;
}

static void survives_lack_of_memory(void **state) {
    (void)state;
    assert_survives_allocation_failure(add_picture(), failure);
}

// --- The file

static void stands_alone(void **state) {
    (void)state;
    assert_code(0, "report trained");
    assert_has(out, "trained/report.html");
    size_t size = read_page("trained/report.html");
    static const char *const parts[] = {"<!doctype html>",    "Measured on all 40 test samples",
                                        "Ankle boot",         "id=\"confusion\"",
                                        "id=\"calibration\"", "id=\"training\"",
                                        "id=\"model\"",       "conv2d",
                                        "label_smoothing",    "</html>"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        assert_has(html, parts[i]);
    }
    static const char *const addresses[] = {"src=\"", "href=\""};
    for (int i = 0; i < 2; i++) { // only to itself
        for (const char *at = html; (at = strstr(at, addresses[i]));) {
            at += strlen(addresses[i]);
            assert_true(*at == '#' || strncmp(at, "data:image/", 11) == 0);
        }
    }
    assert_null(strstr(html, "http"));
    assert_null(strstr(html, scratch)); // nor to this machine
    assert_true(access(scratch_path("trained/report.html.chart.svg"), F_OK) != 0);
    char *first = html;
    html = NULL;
    assert_code(0, "report trained -o again.html --json");
    assert_has(out, "\"report\": \"again.html\"");
    assert_int_equal(read_page("again.html"), size);
    assert_memory_equal(html, first, size);
    free(first);
}

static void is_told_what_to_show(void **state) {
    (void)state;
    assert_code(0, "report trained --samples test:3,7 --set data.limit=9 -o few.html");
    read_page("few.html");
    assert_has(html, "Measured on the first 9 test samples, as <code>data.limit</code> says");
    assert_has(html, "{\"sample\":3,");
    assert_has(html, "{\"sample\":7,");
    assert_null(strstr(html, "{\"sample\":0,"));
    assert_null(strstr(html, "To keep this page small"));
    assert_code(0, "report trained/model.safetensors -o model.html"); // no run, so no curves
    read_page("model.html");
    assert_null(strstr(html, "id=\"training\""));
    assert_has(html, "id=\"recipe\"");
    assert_code(2, "report trained --samples test:99");
    assert_has(err, "samples 0 to 39");
    assert_code(2, "report");
    assert_code(1, "report nowhere");
}

static const char large[] = "data: {set: fashion-mnist, validation: test}\n"
                            "input: {size: [28, 28, 1], normalize: unit}\n"
                            "model:\n"
                            "  - patches: 1\n"
                            "  - attention: {units: 2}\n"
                            "  - attention: {units: 2}\n"
                            "  - global_average_pool\n"
                            "  - dense: 10\n"
                            "train: {batch: 32, epochs: 1, optimizer: adam}\n";

// 784 tokens: 614 kB of weights for each layer and image.
static void says_what_is_left_out(void **state) {
    (void)state;
    scratch_file("large.yaml", large, strlen(large));
    assert_code(0, "train large.yaml --out large --quiet");
    assert_code(0, "report large");
    assert_true(read_page("large/report.html") < 10 * 1000 * 1000);
    assert_has(html, "To keep this page small it has 6 of ");
    assert_has(html, " images and the attention of 1 of 2 layers");
    assert_code(0, "report large --samples test:0-1");
    assert_true(read_page("large/report.html") < 10 * 1000 * 1000);
    assert_null(strstr(html, "To keep this page small"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes),
        cmocka_unit_test(encodes_pictures),
        cmocka_unit_test(survives_lack_of_memory),
        cmocka_unit_test(stands_alone),
        cmocka_unit_test(is_told_what_to_show),
        cmocka_unit_test(says_what_is_left_out),
    };
    int failed = cmocka_run_group_tests_name("report", tests, open_world, scratch_close);
    free(html);
    return failed;
}
