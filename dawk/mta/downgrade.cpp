#include "dawk/mta/downgrade.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/smtp/dot_stuffer.hpp"

namespace dawk::mta {

using envelope::Body;

namespace {

mail::Transport target_of(smtp::Extensions const& offered) noexcept {
    return offered.eight_bit_mime ? mail::Transport::eight_bit : mail::Transport::seven_bit;
}

Body body_for(smtp::Extensions const& offered) noexcept {
    return offered.eight_bit_mime ? Body::eight_bit : Body::seven_bit;
}

// Hands out what a converter makes of the pieces of a content.
class ConvertingReader final : public spool::Content::Reader {
  public:
    ConvertingReader(spool::ContentPtr content, mail::ConversionPlan plan)
        : content_(std::move(content)), reader_(content_->reader()), converter_(std::move(plan)) {}

    Task<Result<std::string_view>> next() override {
        out_.clear();
        while (out_.empty() && !at_end_) {
            auto const piece = co_await reader_->next();
            if (!piece) co_return piece.error();
            at_end_ = piece->empty();
            if (at_end_) {
                converter_.finish(out_);
            } else {
                converter_.feed(*piece, out_);
            }
        }
        co_return std::string_view(out_);
    }

  private:
    spool::ContentPtr content_;
    std::unique_ptr<Reader> reader_;
    mail::Converter converter_;
    std::string out_;
    bool at_end_ = false;
};

}  // namespace

bool may_need_downgrade(Body body, smtp::Extensions const& offered) noexcept {
    if (body == Body::binary) return !(offered.chunking && offered.binary_mime);
    return !offered.eight_bit_mime;
}

std::optional<Downgraded> downgrade(std::string_view content, Body body,
                                    smtp::Extensions const& offered) {
    if (!may_need_downgrade(body, offered)) return std::nullopt;
    if (body != Body::binary && !smtp::has_eight_bit(content)) return std::nullopt;
    mail::ConversionPlanner planner(target_of(offered));
    if (planner.feed(content)) return std::nullopt;
    auto plan = planner.finish();
    if (!plan) return std::nullopt;
    Downgraded result;
    result.body = body_for(offered);
    mail::Converter converter(*std::move(plan));
    converter.feed(content, result.content);
    converter.finish(result.content);
    return result;
}

// Twice, because what it becomes, and how much, is known only at the end of each reading; SIZE= is
// said before the first octet goes.
Task<Result<DowngradePlan>> plan_downgrade(spool::ContentPtr content, Body body,
                                           smtp::Extensions offered) {
    DowngradePlan out;
    out.body = body_for(offered);
    mail::ConversionPlanner planner(target_of(offered));
    bool is_fine = body != Body::binary;
    auto const reader = content->reader();
    for (;;) {
        auto const piece = co_await reader->next();
        if (!piece) co_return piece.error();
        if (piece->empty()) break;
        is_fine = is_fine && !smtp::has_eight_bit(*piece);
        if (auto const error = planner.feed(*piece)) co_return error;
    }
    if (is_fine) {  // whatever was declared: nothing to convert
        out.size = content->size();
        co_return out;
    }
    auto edits = planner.finish();
    if (!edits) co_return edits.error();
    out.edits = std::move(*edits);
    auto const converted = converting_reader(content, out);
    for (;;) {
        auto const piece = co_await converted->next();
        if (!piece) co_return piece.error();
        if (piece->empty()) break;
        out.size += piece->size();
    }
    co_return out;
}

Task<std::optional<bool>> has_ascii_header(spool::ContentPtr content) {
    auto const reader = content->reader();
    std::string seen;  // the end of what was read before, in which an empty line may begin
    for (;;) {
        auto const piece = co_await reader->next();
        if (!piece) co_return std::nullopt;
        if (piece->empty()) co_return true;
        seen.append(*piece);
        auto const end = seen.find("\r\n\r\n");
        if (!ascii::is_ascii(std::string_view(seen).substr(0, end))) co_return false;
        if (end != seen.npos) co_return true;
        seen.erase(0, seen.size() - std::min<std::size_t>(seen.size(), 3));
    }
}

std::unique_ptr<spool::Content::Reader> converting_reader(spool::ContentPtr content,
                                                          DowngradePlan const& plan) {
    return std::make_unique<ConvertingReader>(std::move(content), plan.edits);
}

}  // namespace dawk::mta
