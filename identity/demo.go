package identity

// DemoPassword is that of all demo accounts.
const DemoPassword = "svar-demo"

// DemoAccounts are the invented ones of a demonstration, without password hashes.
func DemoAccounts() []Account {
	// In the order of names: contact-centre, devices, english, mail, network, platform, pupils, staff.
	skills := func(levels ...uint8) []Skill {
		names := []string{"contact-centre", "devices", "english", "mail", "network", "platform", "pupils", "staff"}
		held := make([]Skill, len(levels))
		for i, level := range levels {
			held[i] = Skill{Name: names[i], Level: level}
		}
		return held
	}
	return []Account{
		{Name: "anna", DisplayName: "Anna Lind", Role: Agent, Skills: skills(4, 3, 4, 3, 2, 4, 3, 4), Active: true},
		{Name: "bo", DisplayName: "Bo Ek", Role: Agent, Skills: skills(2, 4, 3, 2, 4, 3, 4, 3), Active: true},
		{Name: "eva", DisplayName: "Eva Berg", Role: Supervisor, Skills: skills(2, 2, 2, 2, 2, 2, 2, 2), Active: true, SeesProtected: true},
		{Name: "adam", DisplayName: "Adam Dahl", Role: Administrator, Active: true},
	}
}

// DemoPeople are invented callers. Their numbers are among those that are reserved for
// fiction (070-174 06 05 to 99, 08-465 004 00 to 99), but for the German one, which has
// the form that its authority reserves for drama (Berlin 030 23125 0xx).
func DemoPeople() []Person {
	return []Person{
		{ID: "demo-1", Name: "Karin Holm", Role: RoleStaff, Title: "Lärare", School: "Ekbackens skola", Numbers: []Number{"+46701740605"}},
		{ID: "demo-2", Name: "Mats Öberg", Role: RoleStaff, Title: "Rektor", School: "Ekbackens skola", Numbers: []Number{"+46701740606", "+46846500401"}},
		{ID: "demo-3", Name: "Leyla Aslan", Role: RoleStaff, Title: "Skolsköterska", School: "Sjöängsskolan", Numbers: []Number{"+46701740607"}},
		{ID: "demo-4", Name: "Johan Nyström", Role: RoleStaff, Title: "It-tekniker", School: "Sjöängsskolan", Numbers: []Number{"+46846500410"}},
		{ID: "demo-5", Name: "Sofia Wikström", Role: RoleStaff, Title: "Administratör", School: "Sjöängsskolan", Numbers: []Number{"+46846500410"}},
		{ID: "demo-6", Name: "Nils Åkerlund", Role: RoleStaff, Title: "Lärare", School: "Tallhöjdens gymnasium", Numbers: []Number{"+46701740609"}, Protected: true},
		{ID: "demo-7", Name: "Petra Vogel", Role: RoleStaff, Title: "Språklärare", School: "Tallhöjdens gymnasium", Numbers: []Number{"+493023125010"}},
		{ID: "demo-8", Name: "Amir Rahimi", Role: RoleGuardian, School: "Ekbackens skola", Numbers: []Number{"+46701740612"}},
		// A pupil has no number: callers of the pupils' line are not looked up (row D3).
		{ID: "demo-9", Name: "Elsa Sand", Role: RolePupil, School: "Ekbackens skola", Numbers: []Number{}},
	}
}

// DemoUser is somebody of [DemoPeople] who may sign in to the portal of a demonstration, with
// [DemoPassword].
type DemoUser struct {
	Name   string
	Person PersonID
}

// DemoUsers are the sign-ins of invented people, a protected one among them.
func DemoUsers() []DemoUser {
	return []DemoUser{
		{Name: "karin", Person: "demo-1"},
		{Name: "mats", Person: "demo-2"},
		{Name: "leyla", Person: "demo-3"},
		{Name: "nils", Person: "demo-6"},
		{Name: "amir", Person: "demo-8"},
		{Name: "elsa", Person: "demo-9"},
	}
}
