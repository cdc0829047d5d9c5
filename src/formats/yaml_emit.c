// SPDX-License-Identifier: Apache-2.0
// Tree to text, through libyaml's emitter. Whether something is written plain or in quotes, in block or flow style, is
// decided here and depends on the tree only, so that the same tree always gives the same bytes.
#include <string.h>
#include <yaml.h>

#include "formats/yaml.h"

enum { LINE_WIDTH = 100, FLOW_WIDTH = 80 };

static bool is_word_letter(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
           letter == '_';
}

// Words that mean the same without quotes everywhere in a file, also between the brackets of flow style: letters,
// digits, + - . / and single spaces, beginning (after a sign and dots, as in -.5 or ../data) with a letter, digit or /.
static bool is_plain(const char *text) {
    const char *first = text + (*text == '+' || *text == '-');
    first += strspn(first, ".");
    if ((!is_word_letter(*first) && *first != '/') || !strncmp(text, "...", 3)) { // ... ends a document
        return false;
    }
    for (const char *letter = first; *letter; letter++) {
        bool space_between = *letter == ' ' && letter[-1] != ' ' && letter[1];
        if (!is_word_letter(*letter) && !strchr("+-./", *letter) && !space_between) {
            return false;
        }
    }
    return true;
}

static int write_to_text(void *out, unsigned char *bytes, size_t size) {
    fv__text_add_bytes(out, bytes, size);
    return !((fv__text *)out)->failed;
}

// libyaml's emitter, and the text it would not take.
typedef struct emission {
    yaml_emitter_t emitter;
    const char *malformed;
} emission;

static bool emit_scalar(emission *out, const char *text, bool quoted) {
    if (!fv__is_utf8(text)) {
        out->malformed = text;
        return false;
    }
    yaml_event_t event;
    yaml_scalar_style_t style = quoted || !is_plain(text) ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE;
    return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), 1, 1,
                                        style) &&
           yaml_emitter_emit(&out->emitter, &event);
}

// {units: 64, activation: relu} when all items are scalars and it is short; `- dropout: 0.2` rather than
// `- {dropout: 0.2}`; the outermost value as a block.
static bool in_flow_style(const fv__value *value, const fv__value *parent) {
    if (!parent || (value->kind == FV__VALUE_MAP && value->count == 1 && parent->kind == FV__VALUE_LIST)) {
        return false;
    }
    size_t width = 0;
    for (size_t i = 0; i < value->count; i++) {
        if (value->items[i]->kind != FV__VALUE_NULL && value->items[i]->kind != FV__VALUE_SCALAR) {
            return false;
        }
        width += strlen(value->items[i]->text) + 2;
        width += value->kind == FV__VALUE_MAP ? strlen(value->keys[i].name) + 2 : 0;
    }
    return value->kind == FV__VALUE_LIST || width <= FLOW_WIDTH; // a long list is broken into lines
}

static bool emit_start(emission *out, const fv__value *value, bool flow) {
    yaml_event_t event;
    bool made = value->kind == FV__VALUE_MAP
                    ? yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                                          flow ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE)
                    : yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                                           flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE);
    return made && yaml_emitter_emit(&out->emitter, &event);
}

static bool emit_end(emission *out, const fv__value *value) {
    yaml_event_t event;
    bool made = value->kind == FV__VALUE_MAP ? yaml_mapping_end_event_initialize(&event)
                                             : yaml_sequence_end_event_initialize(&event);
    return made && yaml_emitter_emit(&out->emitter, &event);
}

static bool emit(emission *out, const fv__value *value, const fv__value *parent) {
    if (fv__is_null(value)) {
        return emit_scalar(out, "null", false);
    }
    if (value->kind == FV__VALUE_SCALAR) {
        return emit_scalar(out, value->text, value->quoted);
    }
    bool good = emit_start(out, value, in_flow_style(value, parent));
    for (size_t i = 0; i < value->count && good; i++) {
        good = (value->kind != FV__VALUE_MAP || emit_scalar(out, value->keys[i].name, false)) &&
               emit(out, value->items[i], value);
    }
    return good && emit_end(out, value);
}

// Stream and document around the value.
static bool emit_document(emission *out, const fv__value *value) {
    yaml_event_t event;
    return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) && yaml_emitter_emit(&out->emitter, &event) &&
           yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
           yaml_emitter_emit(&out->emitter, &event) && emit(out, value, NULL) &&
           yaml_document_end_event_initialize(&event, 1) && yaml_emitter_emit(&out->emitter, &event) &&
           yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(&out->emitter, &event);
}

fv_status fv__value_emit(const fv__value *value, fv__text *text, fv_error *error) {
    emission out = {.malformed = NULL};
    if (!yaml_emitter_initialize(&out.emitter)) {
        return fv__fail_memory(error, "writing YAML");
    }
    yaml_emitter_set_output(&out.emitter, write_to_text, text);
    yaml_emitter_set_unicode(&out.emitter, 1);
    yaml_emitter_set_width(&out.emitter, LINE_WIDTH);
    fv_status status = FV_OK;
    if (!emit_document(&out, value)) {
        if (out.malformed) {
            status = fv__fail(error, FV_INVALID, "'%.80s' cannot be written as YAML: it is not UTF-8", out.malformed);
        } else if (out.emitter.error == YAML_EMITTER_ERROR) {
            status = fv__fail(error, FV_INVALID, "this tree cannot be written as YAML: %s", out.emitter.problem);
        } else {
            status = fv__fail_memory(error, "writing YAML");
        }
    }
    yaml_emitter_delete(&out.emitter);
    return status;
}
