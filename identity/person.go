package identity

// PersonID identifies a person in the register that he was imported from. It is opaque here,
// and never a personal identity number (row D7).
type PersonID string

// PersonRole says as what somebody contacts the desk. What he may order is another question.
type PersonRole string

// The roles.
const (
	RoleStaff    PersonRole = "staff"    // Medarbetare
	RolePupil    PersonRole = "pupil"    // Elev
	RoleGuardian PersonRole = "guardian" // Vårdnadshavare
	RoleSupplier PersonRole = "supplier" // Leverantör
	RoleOther    PersonRole = "other"    // Övrig: a proxy, a resident, another authority
)

// PersonRoles returns all roles in the order in which people choose among them.
func PersonRoles() []PersonRole {
	return []PersonRole{RoleStaff, RolePupil, RoleGuardian, RoleSupplier, RoleOther}
}

// Valid tells whether the role is one of [PersonRoles].
func (r PersonRole) Valid() bool {
	switch r {
	case RoleStaff, RolePupil, RoleGuardian, RoleSupplier, RoleOther:
		return true
	}
	return false
}

// Person is somebody who contacts the desk. It is personal data: it goes to a screen as a
// [PersonView], and to no log at all.
type Person struct {
	ID     PersonID
	Name   string
	Role   PersonRole
	Title  string // what he works as, "" when not known
	School string // his place of operation, "" when not known
	// Numbers are those that he may call from. A switchboard's number is shared by many people.
	Numbers []Number
	// Protected marks protected personal data (skyddade personuppgifter): only members of one
	// named group may see who this is (row D1).
	Protected bool
}

// String keeps personal data out of logs and error texts that print a Person by mistake.
func (p Person) String() string {
	return "person (not shown)"
}

// Viewer is the one that a person is shown to.
type Viewer struct {
	// SeesProtected tells that he is a member of the group that may open protected people.
	SeesProtected bool
}

// PersonView is the part of a person that one viewer may see.
type PersonView struct {
	ID      PersonID
	Name    string
	Role    PersonRole
	Title   string
	School  string
	Numbers []Number
	// Protected is set for every viewer: who may open the person has to know what he opens.
	Protected bool
}

// View returns what the viewer may see of the person. Of a protected person all others see
// that he is protected and nothing else (row D1): not the id either, since registers make it
// from the name, and not the role or title, since they tell the school apart.
func (p Person) View(viewer Viewer) PersonView {
	if p.Protected && !viewer.SeesProtected {
		return PersonView{Protected: true}
	}
	return PersonView{
		ID: p.ID, Name: p.Name, Role: p.Role, Title: p.Title, School: p.School,
		Numbers: append([]Number(nil), p.Numbers...), Protected: p.Protected,
	}
}
