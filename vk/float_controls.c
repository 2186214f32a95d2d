// Adds execution modes for WebAssembly's float arithmetic to a module: denormals kept, rounding to
// nearest even, zeros' signs and NaN kept. Some drivers flush denormals unless they are asked. It
// is done here because the translator knows what the device computes, not what it advertises.
#include <stdlib.h>
#include <string.h>

#include <spirv/unified1/spirv.h>

#include "vk/impl.h"

enum { HEADER_WORDS = 5, MODES_MAX = 6, VERSION_1_4 = 0x10400, EXTENSION_WORDS = 7 };

// Where things lie in a module, by word.
struct layout {
    size_t capabilities_end;
    size_t extensions_end;
    size_t entry_points_end; // execution modes come next
    uint32_t main_id;
    bool has_float64;
    bool has_modes; // the module asks for float controls itself
};

static bool is_float_control(uint32_t capability)
{
    return capability == SpvCapabilityDenormPreserve ||
           capability == SpvCapabilityDenormFlushToZero ||
           capability == SpvCapabilitySignedZeroInfNanPreserve ||
           capability == SpvCapabilityRoundingModeRTE || capability == SpvCapabilityRoundingModeRTZ;
}

static bool find_layout(const struct wj_gpu_code *code, struct layout *layout)
{
    memset(layout, 0, sizeof *layout);
    layout->capabilities_end = HEADER_WORDS;
    for (size_t at = HEADER_WORDS; at < code->word_count;) {
        const uint32_t *words = code->words + at;
        const size_t count = words[0] >> SpvWordCountShift;
        const SpvOp op = (SpvOp) (words[0] & SpvOpCodeMask);
        if (count == 0 || count > code->word_count - at) {
            return false;
        }
        at += count;
        if (op == SpvOpCapability && count == 2) {
            layout->capabilities_end = at;
            layout->has_float64 |= words[1] == SpvCapabilityFloat64;
            layout->has_modes |= is_float_control(words[1]);
        } else if (op == SpvOpExtension) {
            layout->extensions_end = at;
        } else if (op == SpvOpEntryPoint && count > 3) {
            layout->entry_points_end = at;
            layout->main_id = words[2];
        } else if (op == SpvOpFunction) {
            break;
        }
    }
    if (layout->extensions_end < layout->capabilities_end) {
        layout->extensions_end = layout->capabilities_end;
    }
    return layout->entry_points_end > layout->extensions_end;
}

struct mode {
    SpvCapability capability;
    SpvExecutionMode mode;
    uint32_t width;
};

static size_t list_modes(const struct wj_vk_float_controls *controls, bool has_float64,
                         struct mode modes[MODES_MAX])
{
    size_t count = 0;
    for (unsigned i = 0; i < (has_float64 ? 2u : 1u); i++) {
        const uint32_t width = i == 0 ? 32 : 64;
        if (controls->denorm_preserve[i]) {
            modes[count++] =
                (struct mode){SpvCapabilityDenormPreserve, SpvExecutionModeDenormPreserve, width};
        }
        if (controls->round_to_even[i]) {
            modes[count++] =
                (struct mode){SpvCapabilityRoundingModeRTE, SpvExecutionModeRoundingModeRTE, width};
        }
        if (controls->keep_special[i]) {
            modes[count++] = (struct mode){SpvCapabilitySignedZeroInfNanPreserve,
                                           SpvExecutionModeSignedZeroInfNanPreserve, width};
        }
    }
    return count;
}

static void append(uint32_t *out, size_t *count, const uint32_t *words, size_t word_count)
{
    memcpy(out + *count, words, word_count * sizeof *words);
    *count += word_count;
}

static void append_capabilities(uint32_t *out, size_t *count, const struct mode *modes,
                                size_t mode_count)
{
    for (size_t i = 0; i < mode_count; i++) {
        bool is_new = true;
        for (size_t j = 0; j < i; j++) {
            is_new &= modes[j].capability != modes[i].capability;
        }
        if (is_new) {
            const uint32_t words[2] = {2u << SpvWordCountShift | SpvOpCapability,
                                       modes[i].capability};
            append(out, count, words, 2);
        }
    }
}

bool wj_vk_float_controls_add(const struct wj_vk_float_controls *controls,
                              const struct wj_gpu_code *code, uint32_t **words, size_t *word_count,
                              struct wj_err *err)
{
    struct layout layout;
    if (!find_layout(code, &layout)) {
        return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET,
                          "the kernel is no SPIR-V module with an entry point");
    }
    struct mode modes[MODES_MAX];
    const size_t mode_count =
        layout.has_modes ? 0 : list_modes(controls, layout.has_float64, modes);
    uint32_t *out =
        malloc((code->word_count + EXTENSION_WORDS + MODES_MAX * (2 + 4)) * sizeof *out);
    if (out == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory for a kernel");
    }
    size_t count = 0;
    append(out, &count, code->words, layout.capabilities_end);
    append_capabilities(out, &count, modes, mode_count);
    append(out, &count, code->words + layout.capabilities_end,
           layout.extensions_end - layout.capabilities_end);
    if (mode_count != 0 && code->words[1] < VERSION_1_4) {
        uint32_t extension[EXTENSION_WORDS] = {EXTENSION_WORDS << SpvWordCountShift |
                                               SpvOpExtension};
        memcpy(extension + 1, "SPV_KHR_float_controls", sizeof "SPV_KHR_float_controls");
        append(out, &count, extension, EXTENSION_WORDS);
    }
    append(out, &count, code->words + layout.extensions_end,
           layout.entry_points_end - layout.extensions_end);
    for (size_t i = 0; i < mode_count; i++) {
        const uint32_t mode[4] = {4u << SpvWordCountShift | SpvOpExecutionMode, layout.main_id,
                                  modes[i].mode, modes[i].width};
        append(out, &count, mode, 4);
    }
    append(out, &count, code->words + layout.entry_points_end,
           code->word_count - layout.entry_points_end);
    *words = out;
    *word_count = count;
    return true;
}
