#include "dawk/reports/text.hpp"

#include "dawk/base/ascii.hpp"

namespace dawk::reports {

using dmarcreport::Policy;
using dmarcreport::Record;

namespace {

constexpr std::string_view version = "1";
constexpr std::size_t items_max = 1000;

// Texts one after another, each as "size:octets".
class Writer {
  public:
    Writer() { add(version); }
    void add(std::string_view text) {
        out_ += std::to_string(text.size());
        out_ += ':';
        out_ += text;
    }
    void add_count(std::size_t count) { add(std::to_string(count)); }
    std::string take() { return std::move(out_); }

  private:
    std::string out_;
};

class Reader {
  public:
    explicit Reader(std::string_view text) : rest_(text) { bad_ = next() != version; }
    std::string next() {
        auto const colon = rest_.find(':');
        auto const size = colon == rest_.npos
                              ? std::nullopt
                              : ascii::to_number<std::size_t>(rest_.substr(0, colon));
        if (!size || rest_.size() - colon - 1 < *size) {
            bad_ = true;
            rest_ = {};
            return {};
        }
        std::string out(rest_.substr(colon + 1, *size));
        rest_.remove_prefix(colon + 1 + *size);
        return out;
    }
    std::size_t count() {
        auto const value = ascii::to_number<std::size_t>(next());
        if (!value || *value > items_max) bad_ = true;
        return bad_ ? 0 : *value;
    }
    bool is_good() const noexcept { return !bad_ && rest_.empty(); }

  private:
    std::string_view rest_;
    bool bad_ = false;
};

}  // namespace

std::string to_text(Record const& r) {
    Writer out;
    for (auto const* text : {&r.source_ip, &r.disposition, &r.dkim, &r.spf, &r.header_from,
                             &r.envelope_from, &r.envelope_to})
        out.add(*text);
    out.add_count(r.reasons.size());
    for (auto const& one : r.reasons) out.add(one.type), out.add(one.comment);
    out.add_count(r.dkim_results.size());
    for (auto const& one : r.dkim_results)
        for (auto const* text : {&one.domain, &one.selector, &one.result, &one.human_result})
            out.add(*text);
    out.add_count(r.spf_results.size());
    for (auto const& one : r.spf_results)
        for (auto const* text : {&one.domain, &one.scope, &one.result, &one.human_result})
            out.add(*text);
    return out.take();
}

Result<Record> record_of(std::string_view text) {
    Reader in(text);
    Record r;
    for (auto* place : {&r.source_ip, &r.disposition, &r.dkim, &r.spf, &r.header_from,
                        &r.envelope_from, &r.envelope_to})
        *place = in.next();
    r.reasons.resize(in.count());
    for (auto& one : r.reasons) {
        one.type = in.next();
        one.comment = in.next();
    }
    r.dkim_results.resize(in.count());
    for (auto& one : r.dkim_results)
        for (auto* place : {&one.domain, &one.selector, &one.result, &one.human_result})
            *place = in.next();
    r.spf_results.resize(in.count());
    for (auto& one : r.spf_results)
        for (auto* place : {&one.domain, &one.scope, &one.result, &one.human_result})
            *place = in.next();
    if (!in.is_good()) return Errc::corrupt;
    return r;
}

std::string to_text(Policy const& p) {
    Writer out;
    for (auto const* text : {&p.domain, &p.p, &p.sp, &p.np, &p.adkim, &p.aspf, &p.fo, &p.testing,
                             &p.discovery_method, &p.version_published})
        out.add(*text);
    return out.take();
}

Result<Policy> policy_of(std::string_view text) {
    Reader in(text);
    Policy p;
    for (auto* place : {&p.domain, &p.p, &p.sp, &p.np, &p.adkim, &p.aspf, &p.fo, &p.testing,
                        &p.discovery_method, &p.version_published})
        *place = in.next();
    if (!in.is_good()) return Errc::corrupt;
    return p;
}

std::string to_text(std::vector<std::string> const& list) {
    Writer out;
    out.add_count(list.size());
    for (auto const& one : list) out.add(one);
    return out.take();
}

Result<std::vector<std::string>> list_of(std::string_view text) {
    Reader in(text);
    std::vector<std::string> out(in.count());
    for (auto& one : out) one = in.next();
    if (!in.is_good()) return Errc::corrupt;
    return out;
}

}  // namespace dawk::reports
