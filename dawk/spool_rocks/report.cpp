// How the tools' reports are written, for people and for programs.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "dawk/base/ascii.hpp"
#include "dawk/spool_rocks/tools.hpp"

namespace dawk::spool_rocks {
namespace {

namespace json = boost::json;

json::array to_json(Findings const& findings) {
    json::array out;
    for (auto const& finding : findings.list()) {
        out.push_back(json::object{{"kind", finding.kind},
                                   {"id", ascii::printable(finding.id)},
                                   {"detail", ascii::printable(finding.detail)}});
    }
    return out;
}

std::string to_text(std::string_view title, Findings const& findings) {
    if (findings.count() == 0) return {};
    std::string out = std::string(title) + ": " + std::to_string(findings.count()) + "\n";
    for (auto const& finding : findings.list()) {
        out += "  " + finding.kind + " ";
        if (!finding.id.empty()) out += ascii::printable(finding.id) + " ";
        out += ascii::printable(finding.detail) + "\n";
    }
    auto const left_out = findings.count() - findings.list().size();
    if (left_out > 0) out += "  ... and " + std::to_string(left_out) + " more\n";
    return out;
}

}  // namespace

void Findings::add(std::string kind, std::string id, std::string detail) {
    ++count_;
    if (list_.size() < max) list_.push_back({std::move(kind), std::move(id), std::move(detail)});
}

std::string CheckReport::json() const {
    return json::serialize(json::object{{"sound", is_sound()},
                                        {"messages", messages},
                                        {"content_bytes", content_bytes},
                                        {"large_contents", large},
                                        {"schedule_entries", due},
                                        {"events", events},
                                        {"damage_count", damage.count()},
                                        {"damage", to_json(damage)},
                                        {"note_count", notes.count()},
                                        {"notes", to_json(notes)}});
}

std::string CheckReport::text() const {
    return std::to_string(messages) + " messages, " + std::to_string(content_bytes) + " octets, " +
           std::to_string(large) + " of them in files of their own; " + std::to_string(due) +
           " schedule entries; " + std::to_string(events) + " events\n" +
           to_text("damage", damage) + to_text("notes", notes) +
           (is_sound() ? "the spool is sound\n" : "the spool is damaged\n");
}

std::string RepairReport::json() const {
    return json::serialize(json::object{{"messages", messages},
                                        {"content_bytes", content_bytes},
                                        {"events", events},
                                        {"contents_without_envelope", contents_without_envelope},
                                        {"lost_count", lost.count()},
                                        {"lost", to_json(lost)}});
}

std::string RepairReport::text() const {
    std::string out = "saved " + std::to_string(messages) + " messages (" +
                      std::to_string(content_bytes) + " octets) and " + std::to_string(events) +
                      " events\n" + to_text("lost", lost);
    if (contents_without_envelope > 0) {
        out += std::to_string(contents_without_envelope) +
               " contents without an envelope were put into lost/\n";
    }
    return out;
}

std::string MoveReport::json() const {
    return json::serialize(json::object{{"messages", messages},
                                        {"content_bytes", content_bytes},
                                        {"skipped", skipped},
                                        {"failed_count", failed.count()},
                                        {"failed", to_json(failed)}});
}

std::string MoveReport::text() const {
    std::string out =
        std::to_string(messages) + " messages, " + std::to_string(content_bytes) + " octets\n";
    if (skipped > 0) out += std::to_string(skipped) + " were there already\n";
    return out + to_text("failed", failed);
}

}  // namespace dawk::spool_rocks
