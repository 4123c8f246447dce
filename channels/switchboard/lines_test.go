package switchboard_test

import (
	"time"

	"svar/channels/switchboard"
	"svar/contact"
	"svar/identity"
	"svar/ivr"
)

func queue(skill contact.SkillID, music string) ivr.Step {
	return ivr.Step{Queue: &ivr.Queue{Needs: contact.Needs{{Skill: skill, Level: 1}}, Target: 60_000, Music: music}}
}

// lines are the entrances of the stories.
func lines() []switchboard.Line {
	return []switchboard.Line{
		{
			ID: "staff", Audience: contact.AudienceStaff, Language: "sv", LookUp: true,
			Flow: ivr.Flow{Steps: []ivr.Step{{Say: "welcome"}, queue("staff", "music")}},
		},
		{ // with everything that a flow can have
			ID: "desk", Audience: contact.AudienceStaff, Language: "sv",
			Flow: ivr.Flow{Steps: []ivr.Step{
				{Hours: &ivr.Hours{Closed: []ivr.Step{{Close: "closed"}}}},
				{Notices: true},
				{Menu: &ivr.Menu{
					Say: "menu", Timeout: 5_000, Choices: []ivr.Choice{{Key: "1", Steps: []ivr.Step{queue("platform", "music")}}},
				}},
				queue("staff", "music"),
			}},
		},
		{
			ID: "priority", Audience: contact.AudienceUnknown, Language: "sv",
			Flow:      ivr.Flow{Steps: []ivr.Step{{Say: "welcome"}, queue("staff", "music")}},
			PartyFlow: ivr.Flow{Steps: []ivr.Step{{Queue: &ivr.Queue{Class: contact.ClassPriorityLine, Target: 20_000, Music: "music"}}}},
			Parties: []switchboard.Party{
				{ID: "centre", Audience: contact.AudienceContactCentre, Numbers: []identity.Number{"+468508"}},
				{ID: "supplier", Audience: contact.AudienceSupplier, Numbers: []identity.Number{"+46701740606", "4711"}},
			},
		},
		{
			ID: "patient", Audience: contact.AudienceStaff, Language: "sv",
			Flow: ivr.Flow{Steps: []ivr.Step{{Queue: &ivr.Queue{
				Needs: contact.Needs{{Skill: "staff", Level: 1}}, Target: 60_000, Music: "music",
				Callback: &ivr.Callback{Say: "offer", After: 90_000, Key: "1", Done: "promised"},
			}}}},
		},
		{
			ID: "rings", Audience: contact.AudienceStaff, Language: "sv", RingFirst: 20 * time.Second,
			Flow: ivr.Flow{Steps: []ivr.Step{
				{Hours: &ivr.Hours{Closed: []ivr.Step{{Close: "closed"}}}}, {Say: "welcome"}, {Notices: true}, queue("staff", "music"),
			}},
		},
		{
			ID: "recorded", Audience: contact.AudienceStaff, Language: "sv",
			Recording: &switchboard.Recording{Announcement: "recorded", DeclineKey: '9', Retention: time.Hour},
			Flow:      ivr.Flow{Steps: []ivr.Step{{Say: "welcome"}, queue("staff", "music")}},
		},
		{
			ID: "told", Audience: contact.AudienceStaff, Language: "sv",
			Flow: ivr.Flow{Steps: []ivr.Step{{Queue: &ivr.Queue{
				Needs: contact.Needs{{Skill: "staff", Level: 1}}, Target: 60_000, Music: "music",
				Announcements: []ivr.Announcement{{Tell: ivr.TellPlace, First: 30_000, Every: 60_000}, {Tell: ivr.TellWait, First: 30_000}, {Say: "tip", First: 40_000}},
			}}}},
		},
		{
			ID: "chat", Channel: contact.Chat, Audience: contact.AudiencePupil, Language: "sv", Languages: []string{"en"},
			Flow: ivr.Flow{Steps: []ivr.Step{{Say: "hello"}, {Notices: true}, queue("staff", "")}},
		},
	}
}

// hours are open by day. The stories' contacts arrived in the first millisecond of 1970, a
// Thursday, in which the desk is open; the bubble's clock begins in 2000.
func hours() contact.Hours {
	day := []contact.Window{{From: 0, To: 12 * time.Hour}}
	return contact.Hours{Zone: time.UTC, Weekly: [7][]contact.Window{day, day, day, day, day, day, day}}
}
